package org.edgeir.restorer.pixels;

/**
 * Bicubic enlargement as MATLAB's {@code imresize} and {@code edgeir/imaging/resize.py} do it: rows, then columns,
 * samples rounded after each direction, sums in single precision.
 */
final class Resize {
    private Resize() {}

    /**
     * The part [top, bottom) × [left, right) of the enlarged image, of `count` planes from `plane` on.
     *
     * @param band has the rows that {@link Taps} names
     */
    static byte[] enlarge(Band band, int plane, int count, int scale, int top, int bottom, int left, int right) {
        if (scale == 1) return copied(band, plane, count, top, bottom, left, right);
        Taps down = new Taps(band.imageHeight, scale, top, bottom);
        Taps across = new Taps(band.width, scale, left, right);
        int wide = across.most + 1 - across.least;
        byte[] upright = new byte[wide * count];
        byte[] result = new byte[(bottom - top) * (right - left) * count];
        for (int y = 0, to = 0; y < bottom - top; y++) {
            for (int x = 0; x < wide; x++) {
                for (int c = 0; c < count; c++) {
                    float sum = 0;
                    for (int tap = Taps.COUNT * y; tap < Taps.COUNT * (y + 1); tap++) {
                        int from = band.at(down.indices[tap], across.least + x) + plane + c;
                        sum += down.weights[tap] * (band.samples[from] & 0xff);
                    }
                    upright[x * count + c] = rounded(sum);
                }
            }
            for (int x = 0; x < right - left; x++) {
                for (int c = 0; c < count; c++) {
                    float sum = 0;
                    for (int tap = Taps.COUNT * x; tap < Taps.COUNT * (x + 1); tap++) {
                        int from = (across.indices[tap] - across.least) * count + c;
                        sum += across.weights[tap] * (upright[from] & 0xff);
                    }
                    result[to++] = rounded(sum);
                }
            }
        }
        return result;
    }

    private static byte[] copied(Band band, int plane, int count, int top, int bottom, int left, int right) {
        byte[] result = new byte[(bottom - top) * (right - left) * count];
        for (int y = top, to = 0; y < bottom; y++) {
            for (int x = left; x < right; x++) {
                for (int c = 0; c < count; c++) result[to++] = band.samples[band.at(y, x) + plane + c];
            }
        }
        return result;
    }

    private static byte rounded(float sum) {
        return (byte) Math.min(Math.max((int) Math.floor(sum + 0.5f), 0), 255);
    }
}
