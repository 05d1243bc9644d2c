package org.edgeir.app.photo;

import android.graphics.Bitmap;
import android.graphics.Color;
import java.nio.ByteBuffer;

/** Where red and blue lie among the four bytes of a pixel: Android's own order, or that of the machine it runs on. */
public final class Channels {
    public static final int RED;
    public static final int GREEN = 1;
    public static final int BLUE;
    public static final int ALPHA = 3;

    static {
        Bitmap pixel = Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888);
        pixel.eraseColor(Color.RED);
        ByteBuffer bytes = ByteBuffer.allocate(4);
        pixel.copyPixelsToBuffer(bytes);
        RED = bytes.get(0) != 0 ? 0 : 2;
        BLUE = 2 - RED;
    }

    private Channels() {}
}
