package org.edgeir.restorer.pixels;

/** Full-range luma of ITU-R BT.601 ({@code edgeir/imaging/luma.py}). */
final class Luma {
    static final float RED = 0.299f;
    static final float GREEN = 0.587f;
    static final float BLUE = 0.114f;

    private Luma() {}

    static float of(float red, float green, float blue) {
        return red * RED + green * GREEN + blue * BLUE;
    }
}
