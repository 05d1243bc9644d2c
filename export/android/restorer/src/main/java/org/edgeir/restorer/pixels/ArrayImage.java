package org.edgeir.restorer.pixels;

/** An image in memory: a source, and a sink that keeps what it is given. */
public final class ArrayImage implements ImageSource, ImageSink {
    private int width;
    private int height;
    private int colours;
    private boolean alpha;
    private byte[] samples;
    private int filled;

    /** An empty one, to be used as a sink. */
    public ArrayImage() {}

    /** Samples row by row, the planes of a pixel side by side, alpha last. */
    public ArrayImage(int width, int height, int colours, boolean alpha, byte[] samples) {
        if (samples.length != (long) width * height * (colours + (alpha ? 1 : 0))) {
            throw new IllegalArgumentException(samples.length + " samples are not " + width + "×" + height + " pixels");
        }
        begin(width, height, colours, alpha, samples);
    }

    private void begin(int width, int height, int colours, boolean alpha, byte[] samples) {
        this.width = width;
        this.height = height;
        this.colours = colours;
        this.alpha = alpha;
        this.samples = samples;
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
        return colours;
    }

    @Override
    public boolean hasAlpha() {
        return alpha;
    }

    @Override
    public void read(int top, int bottom, byte[] into) {
        int row = width * planes();
        System.arraycopy(samples, top * row, into, 0, (bottom - top) * row);
    }

    @Override
    public void begin(int width, int height, int colours, boolean hasAlpha) {
        begin(width, height, colours, hasAlpha, new byte[width * height * (colours + (hasAlpha ? 1 : 0))]);
        filled = 0;
    }

    @Override
    public void rows(byte[] rows, int count) {
        int size = count * width * planes();
        System.arraycopy(rows, 0, samples, filled, size);
        filled += size;
    }

    @Override
    public void finish() {
        if (filled != samples.length) throw new IllegalStateException("rows are missing");
    }

    @Override
    public void abort() {
        samples = new byte[0];
    }

    /** All samples; empty after {@link #abort}. */
    public byte[] samples() {
        return samples;
    }
}
