package org.edgeir.restorer.pixels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.edgeir.restorer.RestoreException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.tiling.Window;

/** The rows of the result that one row of windows gives, in the planes of the image. */
public final class Strip {
    private static final float TOP = 255f;

    private final Facts facts;
    private final TensorSpec spec;
    private final int colours;
    private final int planes;
    private final int width;
    private final byte[] samples;
    private int top;
    private int bottom;

    /** @param samples at least {@link #size} bytes */
    public Strip(Facts facts, TensorSpec spec, ImageSource source, byte[] samples) {
        this.facts = facts;
        this.spec = spec;
        this.colours = source.colours();
        this.planes = source.planes();
        this.width = source.width() * facts.scale;
        this.samples = samples;
    }

    /** Bytes that the result of a row of windows needs. */
    public static long size(Facts facts, ImageSource source, int rows) {
        return (long) rows * facts.netScale() * source.width() * facts.scale * source.planes();
    }

    /** Starts with another row of windows. */
    public void begin(Window row) {
        top = row.first * facts.netScale();
        bottom = row.last * facts.netScale();
    }

    /** Number of rows. */
    public int count() {
        return bottom - top;
    }

    public byte[] samples() {
        return samples;
    }

    /**
     * Clips, rounds to the nearest level (half up) and stores what a window gives; several threads may do so.
     *
     * @param outputs one for each of {@link WindowPixels#runs}
     * @throws RestoreException a value is not finite
     */
    public void put(Band band, ByteBuffer[] outputs, Window row, Window column) throws RestoreException {
        int scale = facts.netScale();
        int left = column.first * scale;
        int right = column.last * scale;
        int stride = (column.stop - column.start) * scale * facts.channels();
        int from = (column.first - column.start) * scale * facts.channels();
        boolean luma = facts.luma && colours == 3 && outputs.length == 1;
        byte[] base = luma ? Resize.enlarge(band, 0, 3, facts.scale, top, bottom, left, right) : null;
        byte[] alpha =
                planes > colours ? Resize.enlarge(band, colours, 1, facts.scale, top, bottom, left, right) : null;
        float[][] lines = new float[outputs.length][(right - left) * facts.channels()];
        for (int y = top; y < bottom; y++) {
            int start = (y - row.start * scale) * stride + from;
            for (int run = 0; run < outputs.length; run++) line(outputs[run], start, lines[run]);
            int to = ((y - top) * width + left) * planes;
            int at = (y - top) * (right - left);
            for (int x = 0; x < right - left; x++, at++, to += planes) {
                if (base != null) putLuma(base, 3 * at, lines[0][x], to);
                else if (colours == 1) samples[to] = level(facts.luma ? lines[0][x] * TOP : gray(lines[0], 3 * x));
                else if (facts.luma) for (int c = 0; c < 3; c++) samples[to + c] = level(lines[c][x] * TOP);
                else for (int c = 0; c < 3; c++) samples[to + c] = level(lines[0][3 * x + c] * TOP);
                if (alpha != null) samples[to + colours] = alpha[at];
            }
        }
    }

    /** The colours of the enlarged image with the network's luma. */
    private void putLuma(byte[] base, int at, float luma, int to) throws RestoreException {
        float red = (base[at] & 0xff) / TOP;
        float green = (base[at + 1] & 0xff) / TOP;
        float blue = (base[at + 2] & 0xff) / TOP;
        float change = luma - Luma.of(red, green, blue);
        samples[to] = level((red + change) * TOP);
        samples[to + 1] = level((green + change) * TOP);
        samples[to + 2] = level((blue + change) * TOP);
    }

    private static float gray(float[] line, int at) {
        return Luma.levels(line[at], line[at + 1], line[at + 2], TOP);
    }

    private static byte level(float level) throws RestoreException {
        if (Float.isNaN(level) || Float.isInfinite(level)) {
            throw new RestoreException("The network's output has values that are not finite: use another model.");
        }
        return (byte) (int) (Math.min(Math.max(level, 0f), TOP) + 0.5f);
    }

    /** Real values of a part of an output. */
    private void line(ByteBuffer output, int start, float[] line) {
        if (spec.type == TensorSpec.Type.FLOAT32) {
            ByteBuffer whole = output.duplicate(); // wherever the engine left its position
            whole.clear();
            FloatBuffer values = whole.order(ByteOrder.nativeOrder()).asFloatBuffer();
            values.position(start);
            values.get(line);
            return;
        }
        boolean signed = spec.type == TensorSpec.Type.INT8;
        for (int index = 0; index < line.length; index++) {
            int value = output.get(start + index);
            line[index] = ((signed ? value : value & 0xff) - (float) spec.zeroPoint) * spec.scale;
        }
    }

    /** An empty output buffer for a window. */
    public static ByteBuffer output(long size) {
        return ByteBuffer.allocateDirect(Math.toIntExact(size)).order(ByteOrder.nativeOrder());
    }
}
