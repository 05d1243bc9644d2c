package org.edgeir.app.photo;

import android.graphics.Bitmap;
import java.io.IOException;

/** A photo of a format that Android reads in one piece only. */
final class Whole extends Stored {
    private final Bitmap bitmap;
    private final int width;
    private final int height;
    private final byte[] pixels;

    /** @throws OutOfMemoryError it does not fit */
    Whole(Bitmap bitmap) throws IOException {
        this.bitmap = bitmap;
        width = bitmap.getWidth();
        height = bitmap.getHeight();
        pixels = new byte[bitmap.getByteCount()];
        copy(bitmap, pixels);
    }

    @Override
    int width() {
        return width;
    }

    @Override
    int height() {
        return height;
    }

    @Override
    Bitmap sample() {
        return bitmap; // the one that uses it recycles it: the pixels are here
    }

    @Override
    void region(int left, int top, int right, int bottom, byte[] rgba) {
        int row = RGBA * (right - left);
        for (int y = top; y < bottom; y++)
            System.arraycopy(pixels, RGBA * (y * width + left), rgba, (y - top) * row, row);
    }

    @Override
    public void close() {}
}
