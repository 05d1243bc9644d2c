package org.edgeir.app;

import android.Manifest;
import android.content.Context;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.os.Build;
import android.provider.MediaStore;

/** Where a photo was taken: Android hides it from apps that may not know it. */
final class Location {
    private Location() {}

    /** Whether the app has to ask before it can read the place. */
    static boolean mustAsk(Context context) {
        return Build.VERSION.SDK_INT >= 29
                && context.checkSelfPermission(Manifest.permission.ACCESS_MEDIA_LOCATION)
                        != PackageManager.PERMISSION_GRANTED;
    }

    /** The photo with its place where the user wants to keep that, and Android lets the app. */
    static Uri asAllowed(Context context, Uri uri) {
        if (Build.VERSION.SDK_INT < 29 || mustAsk(context) || !Settings.of(context).keepsLocation()) return uri;
        return original(context, uri);
    }

    @Newer(than = 29)
    private static Uri original(Context context, Uri uri) {
        try {
            Uri media = "media".equals(uri.getAuthority()) ? uri : MediaStore.getMediaUri(context, uri);
            if (media == null) return uri;
            Uri original = MediaStore.setRequireOriginal(media);
            context.getContentResolver().openAssetFileDescriptor(original, "r").close();
            return original;
        } catch (Exception error) { // not of the media store, or not for this app: as it comes, then
            return uri;
        }
    }
}
