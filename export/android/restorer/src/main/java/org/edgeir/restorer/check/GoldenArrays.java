package org.edgeir.restorer.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.BundleException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.Npy;
import org.edgeir.restorer.bundle.TensorSpec;

/**
 * The golden arrays of a file. Those of the output may hold every n-th row and column alone, as {@code edgeir android}
 * packages them: their shape tells n.
 */
public final class GoldenArrays {
    /** Of the input. */
    public final int height;

    public final int width;
    /** Rows and columns of the output from one that is here to the next. */
    final int step;

    private final Facts facts;
    private final ModelFile file;
    private final Npy input;
    private final Npy output;
    private final Npy expected;

    private GoldenArrays(Facts facts, ModelFile file, Npy input, Npy output, Npy expected) throws BundleException {
        this.facts = facts;
        this.file = file;
        this.input = input;
        this.output = output;
        this.expected = expected;
        boolean fits = input.shape.length == 4 && input.type == file.input.type && output.type == file.output.type;
        height = fits ? input.shape[1] : 0;
        width = fits ? input.shape[2] : 0;
        fits &= Arrays.equals(input.shape, new int[] {1, height, width, facts.channels()});
        step = fits ? step(output.shape) : 0;
        if (step == 0 || expected.type != TensorSpec.Type.FLOAT32 || !Arrays.equals(expected.shape, output.shape)) {
            throw new BundleException(
                    "The golden arrays of " + file.path + " do not fit the file. Get the bundle again.");
        }
    }

    /** Reads them; null where the file has none. */
    public static GoldenArrays of(Bundle bundle, ModelFile file) throws IOException {
        if (file.golden == null) return null;
        return new GoldenArrays(
                bundle.manifest.facts,
                file,
                bundle.array(file.golden.input),
                bundle.array(file.golden.output),
                bundle.array(file.golden.expected));
    }

    /** 0: no step gives this shape. */
    private int step(int[] shape) {
        int high = height * facts.netScale();
        int wide = width * facts.netScale();
        for (int step = 1; step <= Math.max(high, wide); step++) {
            int[] made = {1, (high + step - 1) / step, (wide + step - 1) / step, facts.channels()};
            if (Arrays.equals(shape, made)) return step;
        }
        return 0;
    }

    /** A copy of the input for an engine, outside the heap. */
    public ByteBuffer input() {
        ByteBuffer copy = direct(input.size() * input.type.bytes);
        for (int index = 0; index < input.size(); index++) putInput(index, copy);
        copy.flip();
        return copy;
    }

    void putInput(int index, ByteBuffer into) {
        if (input.type == TensorSpec.Type.FLOAT32) into.putFloat(input.value(index));
        else into.put(input.data.get(index));
    }

    /** For what an engine makes of the input. */
    public ByteBuffer made() {
        int scale = facts.netScale();
        return direct(height * width * scale * scale * facts.channels() * output.type.bytes);
    }

    /** Number of values of the output that are here. */
    public int size() {
        return output.size();
    }

    /** Where such a value lies in the engine's output. */
    public int place(int index) {
        int channels = facts.channels();
        int columns = output.shape[2];
        int pixel = index / channels;
        int row = pixel / columns * step;
        return (row * width * facts.netScale() + pixel % columns * step) * channels + index % channels;
    }

    /** Index of the value at a row and a column of the output, both multiples of the step. */
    int index(int y, int x, int channel) {
        return (y / step * output.shape[2] + x / step) * facts.channels() + channel;
    }

    /** What the file made when it was exported, on the [0, 1] scale. */
    double output(int index) {
        return real(output.data, index);
    }

    /** What the network makes. */
    public double expected(int index) {
        return expected.value(index);
    }

    /** A value of an engine's output. */
    public double real(ByteBuffer buffer, int place) {
        TensorSpec spec = file.output;
        if (spec.type == TensorSpec.Type.FLOAT32) return buffer.getFloat(4 * place);
        int value = spec.type == TensorSpec.Type.INT8 ? buffer.get(place) : buffer.get(place) & 0xff;
        return (value - (double) spec.zeroPoint) * spec.scale;
    }

    static ByteBuffer direct(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    }
}
