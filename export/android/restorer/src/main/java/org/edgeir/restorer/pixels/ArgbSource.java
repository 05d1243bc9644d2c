package org.edgeir.restorer.pixels;

/** An image of Android's colours, 0xAARRGGBB, not premultiplied: what {@code Bitmap.getPixels} gives. */
public final class ArgbSource implements ImageSource {
    /** Gives pixels. */
    public interface Pixels {
        /** Fills `argb` with `count` rows from `top` on. */
        void read(int[] argb, int top, int count);
    }

    /** Rows asked for at once. */
    private static final int ROWS = 16;

    private final int width;
    private final int height;
    private final boolean alpha;
    private final Pixels pixels;

    public ArgbSource(int width, int height, boolean hasAlpha, Pixels pixels) {
        this.width = width;
        this.height = height;
        this.alpha = hasAlpha;
        this.pixels = pixels;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int height() {
        return height;
    }

    @Override
    public int colours() {
        return 3;
    }

    @Override
    public boolean hasAlpha() {
        return alpha;
    }

    @Override
    public void read(int top, int bottom, byte[] samples) {
        int[] argb = new int[ROWS * width];
        for (int y = top, to = 0; y < bottom; y += ROWS) {
            int count = Math.min(ROWS, bottom - y);
            pixels.read(argb, y, count);
            for (int at = 0; at < count * width; at++) {
                samples[to++] = (byte) (argb[at] >> 16);
                samples[to++] = (byte) (argb[at] >> 8);
                samples[to++] = (byte) argb[at];
                if (alpha) samples[to++] = (byte) (argb[at] >>> 24);
            }
        }
    }
}
