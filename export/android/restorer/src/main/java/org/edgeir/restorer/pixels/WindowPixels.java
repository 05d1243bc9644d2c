package org.edgeir.restorer.pixels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.tiling.Axis;
import org.edgeir.restorer.tiling.Window;

/** The inputs of a network for one window of an image: enlarged where it expects that, mirrored beyond the border. */
public final class WindowPixels {
    private static final float TOP = 255f;

    private final Facts facts;
    private final TensorSpec spec;
    private final int colours;
    /** The value of each level. */
    private final float[] unit = new float[256];

    public WindowPixels(Facts facts, TensorSpec spec, int colours) {
        this.facts = facts;
        this.spec = spec;
        this.colours = colours;
        for (int level = 0; level < 256; level++) unit[level] = level / TOP;
    }

    /** How often a network runs for one window: once, or for each colour. */
    public static int runs(Facts facts, int colours) {
        return facts.luma && colours == 3 && facts.denoises() ? 3 : 1;
    }

    /** Bytes of one input. */
    public static long size(Facts facts, TensorSpec spec, int height, int width) {
        return (long) height * width * facts.channels() * spec.type.bytes;
    }

    /** First and past-the-last row of the image that the inputs and the results of a row of windows need. */
    public static int[] rows(Facts facts, int imageHeight, Window row) {
        int enlarged = facts.inputScale();
        int[] span = reflectedSpan(row, imageHeight * enlarged);
        if (enlarged > 1) span = spanOf(new Taps(imageHeight, enlarged, span[0], span[1]));
        if (facts.scale == 1) return span;
        int scale = facts.netScale();
        int[] result = spanOf(new Taps(imageHeight, facts.scale, row.first * scale, row.last * scale));
        return new int[] {Math.min(span[0], result[0]), Math.max(span[1], result[1])};
    }

    /** Fills the input of run `run` of a window. */
    public void fill(Band band, Window row, Window column, int run, ByteBuffer input) {
        int high = band.imageHeight * facts.inputScale();
        int wide = band.width * facts.inputScale();
        int[] rows = reflectedSpan(row, high);
        int[] columns = reflectedSpan(column, wide);
        byte[] part = Resize.enlarge(
                band, 0, colours, facts.inputScale(), rows[0], rows[1], columns[0], columns[1]);
        float[] line = new float[(column.stop - column.start) * facts.channels()];
        byte[] levels = spec.type == TensorSpec.Type.FLOAT32 ? null : new byte[line.length];
        input.clear();
        input.limit((row.stop - row.start) * line.length * spec.type.bytes);
        input.order(ByteOrder.nativeOrder());
        FloatBuffer floating = input.asFloatBuffer();
        for (int y = row.start; y < row.stop; y++) {
            int start = (Axis.reflected(y, high) - rows[0]) * (columns[1] - columns[0]);
            for (int x = column.start, to = 0; x < column.stop; x++, to += facts.channels()) {
                put(part, (start + Axis.reflected(x, wide) - columns[0]) * colours, run, line, to);
            }
            if (levels == null) {
                floating.put(line);
                continue;
            }
            for (int index = 0; index < line.length; index++) levels[index] = quantised(line[index]);
            input.put(levels);
        }
        input.rewind();
    }

    /** The network's channels of one pixel. */
    private void put(byte[] part, int from, int run, float[] line, int to) {
        float first = unit[part[from] & 0xff];
        if (colours == 1) {
            for (int c = 0; c < facts.channels(); c++) line[to + c] = first;
        } else if (!facts.luma) {
            line[to] = first;
            line[to + 1] = unit[part[from + 1] & 0xff];
            line[to + 2] = unit[part[from + 2] & 0xff];
        } else if (facts.denoises()) {
            line[to] = unit[part[from + run] & 0xff];
        } else {
            line[to] = Luma.of(first, unit[part[from + 1] & 0xff], unit[part[from + 2] & 0xff]);
        }
    }

    private byte quantised(float value) {
        boolean signed = spec.type == TensorSpec.Type.INT8;
        float level = (float) Math.rint(value / spec.scale) + spec.zeroPoint;
        return (byte) Math.min(Math.max(level, signed ? -128 : 0), signed ? 127 : 255);
    }

    private static int[] reflectedSpan(Window window, int size) {
        int least = size;
        int most = 0;
        for (int index = window.start; index < window.stop; index++) {
            least = Math.min(least, Axis.reflected(index, size));
            most = Math.max(most, Axis.reflected(index, size));
        }
        return new int[] {least, most + 1};
    }

    private static int[] spanOf(Taps taps) {
        return new int[] {taps.least, taps.most + 1};
    }
}
