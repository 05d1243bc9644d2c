package org.edgeir.app.bench;

import java.util.Arrays;

/** Times of runs, in milliseconds, as {@code edgeir bench} sums them up. */
final class Times {
    private Times() {}

    /** The quantile `share` with linear interpolation between order statistics. */
    static double percentile(double[] times, double share) {
        double[] ordered = times.clone();
        Arrays.sort(ordered);
        double position = share * (ordered.length - 1);
        int low = (int) position;
        int high = Math.min(low + 1, ordered.length - 1);
        return ordered[low] + (ordered[high] - ordered[low]) * (position - low);
    }

    static double mean(double[] times) {
        double sum = 0;
        for (double time : times) sum += time;
        return sum / times.length;
    }

    static double least(double[] times) {
        double least = times[0];
        for (double time : times) least = Math.min(least, time);
        return least;
    }

    /** To a ten-thousandth of a millisecond. */
    static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }
}
