package org.edgeir.app.bench;

import org.edgeir.tflite.Accelerator;

/** What a benchmark found. */
final class Measured {
    /** Of the output of one run, in pixels. */
    int height;

    int width;
    double initMs;
    double firstMs;
    double[] runsMs = {};
    GoldenScore golden;
    /** Where it ran; the CPU where the one asked for was wrong or absent. */
    Accelerator accelerator;

    String runtime;
    String verdict;
    String placed;
    String notes;
    /** Whether another accelerator than the one asked for ran it. */
    boolean fellBack;
    /** Of running on and on; 0: it was not asked for, or stopped. */
    double sustainedMin;

    int sustainedRuns;
    /** Median of the first turn, a quarter of a minute. */
    double sustainedFirstMs;
    /** Of the last. */
    double sustainedLastMs;
    /** In °C; NaN: not known. */
    double batteryBefore;

    double batteryAfter;
    double batteryMost;
    /** The highest seen; {@link Phone#UNKNOWN}. */
    int thermalMost;

    double p(double share) {
        return Times.percentile(runsMs, share);
    }
}
