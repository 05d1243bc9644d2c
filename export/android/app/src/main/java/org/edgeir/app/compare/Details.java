package org.edgeir.app.compare;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.BitmapRegionDecoder;
import android.graphics.Rect;
import android.graphics.RectF;
import java.io.File;
import java.io.IOException;

/** Parts of a file in their own resolution, for an enlarged view. */
final class Details {
    private Details() {}

    /**
     * Decodes what is visible.
     *
     * @param visible in the result's pixels
     * @param scale pixels of the result per pixel of the file
     * @param sample pixels of the file per pixel wanted; a power of two is taken
     * @return null: it cannot be decoded, or takes too much memory
     */
    @SuppressWarnings("deprecation")
    static Layer of(File file, RectF visible, float scale, float sample) {
        try {
            BitmapRegionDecoder decoder = BitmapRegionDecoder.newInstance(file.getPath(), false);
            if (decoder == null) return null;
            try {
                Rect rect = new Rect(
                        (int) Math.floor(visible.left / scale),
                        (int) Math.floor(visible.top / scale),
                        (int) Math.ceil(visible.right / scale),
                        (int) Math.ceil(visible.bottom / scale));
                if (!rect.intersect(0, 0, decoder.getWidth(), decoder.getHeight())) return null;
                BitmapFactory.Options options = new BitmapFactory.Options();
                options.inSampleSize = 1;
                while (2 * options.inSampleSize <= sample) options.inSampleSize *= 2;
                Bitmap bitmap = decoder.decodeRegion(rect, options);
                if (bitmap == null) return null;
                RectF place =
                        new RectF(rect.left * scale, rect.top * scale, rect.right * scale, rect.bottom * scale);
                return new Layer(bitmap, place);
            } finally {
                decoder.recycle();
            }
        } catch (IOException | RuntimeException | OutOfMemoryError error) {
            return null;
        }
    }
}
