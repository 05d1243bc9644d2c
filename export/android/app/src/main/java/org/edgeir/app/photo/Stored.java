package org.edgeir.app.photo;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The pixels of a file as they are stored, region by region: not premultiplied, in the file's own colours. */
abstract class Stored implements Closeable {
    /** Bytes of a pixel; their order is that of {@link Channels}. */
    static final int RGBA = 4;

    abstract int width();

    abstract int height();

    /** A pixel of it, for its alpha and its colours. */
    abstract Bitmap sample() throws IOException;

    /**
     * Fills `rgba` with a region, row by row.
     *
     * @throws IOException the file is damaged
     */
    abstract void region(int left, int top, int right, int bottom, byte[] rgba) throws IOException;

    /** How all pixels are decoded: straight alpha, 8 bits a sample, no conversion of colours. */
    static BitmapFactory.Options options() {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inPreferredConfig = Bitmap.Config.ARGB_8888;
        options.inPremultiplied = false;
        options.inScaled = false;
        return options;
    }

    /** Not getPixels: it converts wide colours to sRGB. */
    static void copy(Bitmap bitmap, byte[] rgba) throws IOException {
        if (bitmap.getConfig() != Bitmap.Config.ARGB_8888 || bitmap.getRowBytes() != RGBA * bitmap.getWidth())
            throw new IOException("pixels of the kind " + bitmap.getConfig());
        bitmap.copyPixelsToBuffer(ByteBuffer.wrap(rgba, 0, bitmap.getByteCount()));
    }
}
