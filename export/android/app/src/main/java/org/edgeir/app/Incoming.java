package org.edgeir.app;

import android.content.ClipData;
import android.content.Context;
import android.content.Intent;
import android.net.Uri;
import android.os.Build;
import android.os.Parcelable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What another app hands over. */
final class Incoming {
    /** Photos taken at once. */
    private static final int MOST = 500;

    private Incoming() {}

    /** Whether the intent brings photos. */
    static boolean shares(Intent intent) {
        String action = String.valueOf(intent.getAction());
        return action.equals(Intent.ACTION_SEND) || action.equals(Intent.ACTION_SEND_MULTIPLE);
    }

    /** The bundle that the intent opens; null: none. */
    static Uri bundle(Intent intent) {
        return Intent.ACTION_VIEW.equals(intent.getAction()) ? intent.getData() : null;
    }

    /** Each photo once; what is no URI is left out. */
    static List<Uri> photos(Context context, Intent intent) {
        Set<Uri> photos = new LinkedHashSet<>();
        try {
            photos.addAll(streams(intent));
            ClipData clip = intent.getClipData();
            for (int index = 0; clip != null && index < clip.getItemCount(); index++)
                photos.add(clip.getItemAt(index).getUri());
            if (!shares(intent)) photos.add(intent.getData());
        } catch (RuntimeException error) {
            // extras of classes that this app does not have
        }
        photos.remove(null);
        List<Uri> list = new ArrayList<>(photos);
        return list.size() > MOST ? list.subList(0, MOST) : list;
    }

    @SuppressWarnings("deprecation")
    private static List<Uri> streams(Intent intent) {
        List<Uri> uris = new ArrayList<>();
        if (Intent.ACTION_SEND_MULTIPLE.equals(intent.getAction())) {
            List<Parcelable> many = intent.getParcelableArrayListExtra(Intent.EXTRA_STREAM);
            for (Parcelable one : many == null ? Collections.<Parcelable>emptyList() : many)
                if (one instanceof Uri) uris.add((Uri) one);
        } else {
            Parcelable one = intent.getParcelableExtra(Intent.EXTRA_STREAM);
            if (one instanceof Uri) uris.add((Uri) one);
        }
        return uris;
    }

    /** Asks for photos, one or many. */
    static Intent choosePhotos() {
        return new Intent(Intent.ACTION_OPEN_DOCUMENT)
                .addCategory(Intent.CATEGORY_OPENABLE)
                .setType("image/*")
                .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true);
    }

    /** Asks for a bundle. */
    static Intent chooseBundle() {
        String[] types = {"application/zip", "application/x-zip-compressed", "application/octet-stream"};
        return new Intent(Intent.ACTION_OPEN_DOCUMENT)
                .addCategory(Intent.CATEGORY_OPENABLE)
                .setType("*/*")
                .putExtra(Intent.EXTRA_MIME_TYPES, types);
    }

    /** Since Android 13 notifications have to be allowed. */
    static boolean mustAskForNotifications(Context context) {
        return Build.VERSION.SDK_INT >= 33
                && context.checkSelfPermission("android.permission.POST_NOTIFICATIONS")
                        != android.content.pm.PackageManager.PERMISSION_GRANTED;
    }
}
