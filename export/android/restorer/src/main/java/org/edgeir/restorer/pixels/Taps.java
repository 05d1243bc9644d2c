package org.edgeir.restorer.pixels;

import org.edgeir.restorer.tiling.Axis;

/** The source pixels and weights of bicubic enlargement along one axis: Keys' kernel, a = -0.5, symmetric border. */
final class Taps {
    static final int COUNT = 6;

    /** COUNT for each output pixel. */
    final int[] indices;

    final float[] weights;
    final int least;
    final int most;

    /** For the output pixels [first, last) of an axis of `size` pixels, enlarged by `scale`. */
    Taps(int size, int scale, int first, int last) {
        indices = new int[COUNT * (last - first)];
        weights = new float[indices.length];
        double[] drawn = new double[COUNT];
        int least = size - 1;
        int most = 0;
        for (int at = 0; at < last - first; at++) {
            double centre = (first + at + 1) / (double) scale + 0.5 * (1 - 1 / (double) scale) - 1;
            int start = (int) Math.floor(centre - 2);
            double total = 0;
            for (int tap = 0; tap < COUNT; tap++) {
                drawn[tap] = keys(Math.abs(centre - (start + tap)));
                total += drawn[tap];
            }
            for (int tap = 0; tap < COUNT; tap++) {
                float weight = (float) (drawn[tap] / total);
                int index = Axis.reflected(start + tap, size);
                indices[COUNT * at + tap] = index;
                weights[COUNT * at + tap] = weight;
                if (weight == 0) continue;
                least = Math.min(least, index);
                most = Math.max(most, index);
            }
        }
        for (int at = 0; at < indices.length; at++)
            if (weights[at] == 0) indices[at] = least; // read, and without effect
        this.least = least;
        this.most = most;
    }

    private static double keys(double x) {
        if (x <= 1) return 1.5 * Math.pow(x, 3) - 2.5 * x * x + 1;
        return x < 2 ? -0.5 * Math.pow(x, 3) + 2.5 * x * x - 4 * x + 2 : 0;
    }
}
