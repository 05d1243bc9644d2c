package org.edgeir.app.photo;

import android.graphics.Bitmap;
import android.graphics.BitmapRegionDecoder;
import android.graphics.Rect;
import java.io.IOException;

/** Regions by {@link BitmapRegionDecoder}: the photo is never whole in memory. */
final class Regions extends Stored {
    private final BitmapRegionDecoder decoder;

    Regions(BitmapRegionDecoder decoder) {
        this.decoder = decoder;
    }

    @Override
    int width() {
        return decoder.getWidth();
    }

    @Override
    int height() {
        return decoder.getHeight();
    }

    @Override
    Bitmap sample() throws IOException {
        return decode(0, 0, 1, 1);
    }

    @Override
    void region(int left, int top, int right, int bottom, byte[] rgba) throws IOException {
        Bitmap bitmap = decode(left, top, right, bottom);
        if (bitmap.getWidth() != right - left || bitmap.getHeight() != bottom - top) throw new IOException("no pixels");
        copy(bitmap, rgba);
        bitmap.recycle();
    }

    private Bitmap decode(int left, int top, int right, int bottom) throws IOException {
        Bitmap bitmap = decoder.decodeRegion(new Rect(left, top, right, bottom), options());
        if (bitmap == null) throw new IOException("no pixels");
        return bitmap;
    }

    @Override
    public void close() {
        decoder.recycle();
    }
}
