package org.edgeir.restorer.pixels;

/** Full-range luma of ITU-R BT.601 ({@code edgeir/imaging/luma.py}). */
final class Luma {
    static final float RED = 0.299f;
    static final float GREEN = 0.587f;
    static final float BLUE = 0.114f;

    private Luma() {}

    static float of(float red, float green, float blue) {
        return sum(red, RED, green, GREEN, blue, BLUE);
    }

    /** The same of values in [0, 1], in levels. */
    static float levels(float red, float green, float blue, float top) {
        return sum(red, RED * top, green, GREEN * top, blue, BLUE * top);
    }

    /** Fused multiply-adds, as the matrix products of NumPy are computed; Android 7 has no {@code Math.fma}. */
    private static float sum(float a, float u, float b, float v, float c, float w) {
        float two = (float) ((double) b * v + a * u);
        return (float) ((double) c * w + two);
    }
}
