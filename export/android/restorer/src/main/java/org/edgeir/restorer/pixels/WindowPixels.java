package org.edgeir.restorer.pixels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
    /** A sample of 8 bits as the tensor has it. */
    private final float[] floats = new float[256];

    private final byte[] bytes = new byte[256];

    public WindowPixels(Facts facts, TensorSpec spec, int colours) {
        this.facts = facts;
        this.spec = spec;
        this.colours = colours;
        for (int level = 0; level < 256; level++) {
            floats[level] = level / TOP;
            bytes[level] = quantised(floats[level]);
        }
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
        int enlarged = facts.inputScale();
        int[] rows = reflectedSpan(row, band.imageHeight * enlarged);
        int[] columns = reflectedSpan(column, band.width * enlarged);
        byte[] part = Resize.enlarge(band, 0, colours, enlarged, rows[0], rows[1], columns[0], columns[1]);
        int stride = (columns[1] - columns[0]) * colours;
        input.clear();
        input.order(ByteOrder.nativeOrder());
        for (int y = row.start; y < row.stop; y++) {
            int line = (Axis.reflected(y, band.imageHeight * enlarged) - rows[0]) * stride;
            for (int x = column.start; x < column.stop; x++) {
                int from = line + (Axis.reflected(x, band.width * enlarged) - columns[0]) * colours;
                if (!facts.luma) put3(part, from, input);
                else if (colours == 1) put(part[from] & 0xff, input);
                else if (facts.denoises()) put(part[from + run] & 0xff, input);
                else putLuma(part, from, input);
            }
        }
        input.flip();
    }

    private void put3(byte[] part, int from, ByteBuffer input) {
        int step = colours == 1 ? 0 : 1;
        for (int c = 0; c < 3; c++) put(part[from + c * step] & 0xff, input);
    }

    private void put(int level, ByteBuffer input) {
        if (spec.type == TensorSpec.Type.FLOAT32) input.putFloat(floats[level]);
        else input.put(bytes[level]);
    }

    private void putLuma(byte[] part, int from, ByteBuffer input) {
        float luma = Luma.of(floats[part[from] & 0xff], floats[part[from + 1] & 0xff], floats[part[from + 2] & 0xff]);
        if (spec.type == TensorSpec.Type.FLOAT32) input.putFloat(luma);
        else input.put(quantised(luma));
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
