package org.edgeir.restorer.bundle;

/** An input of a model file, its output when it was exported, and how far another output may be off. */
public final class Golden {
    public final String input;
    public final String output;
    /** What the network makes of the input: float32. */
    public final String expected;
    /** Largest difference from {@link #expected} that is right, on the [0, 1] scale. */
    public final double maxAbsError;
    /** Largest 99th percentile of the differences that is right. */
    public final double p99AbsError;

    private Golden(String input, String output, String expected, double maxAbsError, double p99AbsError) {
        this.input = input;
        this.output = output;
        this.expected = expected;
        this.maxAbsError = maxAbsError;
        this.p99AbsError = p99AbsError;
    }

    static Golden read(Checked golden) throws BundleException {
        return new Golden(
                golden.inside("input"),
                golden.inside("output"),
                golden.inside("expected"),
                golden.positive("max_abs_error"),
                golden.positive("p99_abs_error"));
    }
}
