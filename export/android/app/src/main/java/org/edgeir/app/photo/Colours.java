package org.edgeir.app.photo;

import android.graphics.Bitmap;
import android.graphics.ColorSpace;
import android.os.Build;
import org.edgeir.app.Newer;

/** In what colours a decoded photo is. */
final class Colours {
    private Colours() {}

    /**
     * The profile to write beside the bitmap's samples; null: they are sRGB.
     *
     * @param stated the file's own profile: before Android 8.0 samples are in it whatever it is
     * @param gray whether gray samples are written: a profile of three colours does not fit them
     */
    static byte[] profile(Bitmap bitmap, byte[] stated, boolean gray) {
        byte[] fitting = isOf(stated, gray ? "GRAY" : "RGB ") ? stated : null;
        return gray || Build.VERSION.SDK_INT < 26 ? fitting : decoded(bitmap, fitting);
    }

    /** Whether a profile is one of samples of this kind (ICC.1:2010, 7.2.6). */
    private static boolean isOf(byte[] profile, String kind) {
        if (profile == null || profile.length < 20) return false;
        for (int at = 0; at < 4; at++) if (profile[16 + at] != kind.charAt(at)) return false;
        return true;
    }

    /**
     * Since Android 8.0 the decoder keeps the samples where it understands the profile, and says what they are in; of
     * others it makes sRGB or Display P3. So the profile is written from what it says.
     */
    @Newer(than = 26)
    private static byte[] decoded(Bitmap bitmap, byte[] stated) {
        ColorSpace space = bitmap.getColorSpace();
        if (space == null || space.isSrgb() || !(space instanceof ColorSpace.Rgb)) return null;
        byte[] written = IccProfile.of((ColorSpace.Rgb) space);
        return written == null ? stated : written;
    }

    /** An empty bitmap in the colours of another; its content is set by copying. */
    static Bitmap like(Bitmap other, int width, int height) {
        if (Build.VERSION.SDK_INT < 26) return Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
        return inColours(other, width, height);
    }

    @Newer(than = 26)
    private static Bitmap inColours(Bitmap other, int width, int height) {
        ColorSpace space = other.getColorSpace();
        if (!(space instanceof ColorSpace.Rgb)) space = ColorSpace.get(ColorSpace.Named.SRGB);
        return Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888, true, space);
    }
}
