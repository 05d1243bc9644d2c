package org.edgeir.restorer.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.BundleException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.Npy;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.tiling.Axis;
import org.edgeir.restorer.tiling.Plan;
import org.edgeir.restorer.tiling.Window;

/**
 * The golden image of a bundle: an engine is trusted once it computes on this phone what the file did at its export.
 *
 * <p>The output must be finite, neither black nor tinted, close to the file's own output at its export, and within the
 * gates of the file against what the network makes of the input, plus what another kernel's rounding may add.
 */
public final class GoldenCheck {
    private static final double LEVEL = 1 / 255.0;
    /** What other kernels may add to the file's gates; the browser's page has the same. */
    private static final double ADDED_MAX = LEVEL;

    private static final double ADDED_P99 = LEVEL / 2;
    /** Largest shift of the mean of a channel. Int8 computed in float moves by half a level at most. */
    private static final double TINT = 1.5 * LEVEL;
    /** An output of less than this part of the brightness that is expected is black. */
    private static final double BLACK = 0.1;
    /** Against the file's own output. Int8 computed in float is at 45. */
    private static final double LEAST_PSNR = 35;
    /** Largest difference of tiles of another size: rounding of integers. */
    private static final double TILED = 2 * LEVEL;

    private static final int TIMED = 3;

    private final Facts facts;
    private final ModelFile file;
    private final Npy input;
    private final Npy output;
    private final Npy expected;
    private final int height;
    private final int width;

    private GoldenCheck(Facts facts, ModelFile file, Npy input, Npy output, Npy expected) throws BundleException {
        this.facts = facts;
        this.file = file;
        this.input = input;
        this.output = output;
        this.expected = expected;
        boolean fits = input.shape.length == 4 && input.type == file.input.type && output.type == file.output.type;
        height = fits ? input.shape[1] : 0;
        width = fits ? input.shape[2] : 0;
        int scale = facts.netScale();
        int[] made = {1, height * scale, width * scale, facts.channels()};
        fits &= Arrays.equals(input.shape, new int[] {1, height, width, facts.channels()});
        if (!fits || !Arrays.equals(output.shape, made) || !Arrays.equals(expected.shape, made)) {
            throw new BundleException(
                    "The golden arrays of " + file.path + " do not fit the file. Get the bundle again.");
        }
    }

    /** Reads the golden arrays of a file; null where it has none. */
    public static GoldenCheck of(Bundle bundle, ModelFile file) throws IOException {
        if (file.golden == null) return null;
        return new GoldenCheck(
                bundle.manifest.facts,
                file,
                bundle.array(file.golden.input),
                bundle.array(file.golden.output),
                bundle.array(file.golden.expected));
    }

    /** Runs an engine on the golden input and judges it. */
    public Verdict run(Engine engine, String placed) {
        ByteBuffer made = direct(output);
        double[] times = new double[TIMED];
        try {
            engine.run(direct(input), made, height, width);
            for (int run = 0; run < TIMED; run++) {
                ByteBuffer given = direct(input);
                long began = System.nanoTime();
                engine.run(given, made, height, width);
                times[run] = (System.nanoTime() - began) / 1e6;
            }
        } catch (EngineException | OutOfMemoryError error) {
            return Verdict.failed(engine.title(), "failed on the golden image: " + error.getMessage(), placed);
        }
        Arrays.sort(times);
        return judge(engine.title(), made, times[TIMED / 2], placed);
    }

    private Verdict judge(String title, ByteBuffer made, double milliseconds, String placed) {
        int channels = facts.channels();
        double[] errors = new double[output.size()];
        double[] shift = new double[channels];
        double squares = 0;
        double largest = 0;
        double sum = 0;
        double expectedSum = 0;
        for (int index = 0; index < errors.length; index++) {
            double value = real(made, index);
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                return Verdict.failed(title, "wrong, its output has values that are not finite", placed);
            }
            double difference = value - real(output.data, index);
            shift[index % channels] += difference * channels / errors.length;
            squares += difference * difference / errors.length;
            largest = Math.max(largest, Math.abs(difference));
            errors[index] = Math.abs(value - expected.value(index));
            sum += value;
            expectedSum += expected.value(index);
        }
        Arrays.sort(errors);
        double psnr = squares == 0 ? Double.POSITIVE_INFINITY : -10 * Math.log10(squares);
        String wrong = null;
        if (sum < BLACK * expectedSum) wrong = "its output is black";
        else if (tint(shift) != null) wrong = tint(shift);
        else if (psnr < LEAST_PSNR) wrong = "its output is another image";
        else if (errors[errors.length - 1] > file.golden.maxAbsError + ADDED_MAX)
            wrong = "single pixels are too far off";
        else if (errors[(int) Math.ceil(0.99 * (errors.length - 1))] > file.golden.p99AbsError + ADDED_P99)
            wrong = "many pixels are off";
        String what = wrong == null ? "right on the golden image" : "wrong, " + wrong;
        return new Verdict(title, wrong == null, what, psnr, largest / LEVEL, milliseconds, placed);
    }

    private static String tint(double[] shift) {
        String[] names = shift.length == 3 ? new String[] {"red", "green", "blue"} : new String[] {"brightness"};
        int most = 0;
        for (int c = 1; c < shift.length; c++) if (Math.abs(shift[c]) > Math.abs(shift[most])) most = c;
        if (Math.abs(shift[most]) <= TINT) return null;
        return String.format(
                Locale.ROOT, "its output is tinted, %s by %+.1f of 255 levels", names[most], shift[most] / LEVEL);
    }

    /**
     * Whether the engine gives the file's own output in tiles of another size.
     *
     * @throws IOException the engine fails
     */
    public boolean inTiles(Engine engine, int high, int wide) throws IOException {
        Plan plan = Plan.of(height, width, facts, new int[] {high, wide}, null, false);
        int radius = facts.receptiveRadius;
        int bottom = plan.rows.end > height
                ? height - radius
                : height; // windows that leave the image end in mirrored pixels
        int right = plan.columns.end > width ? width - radius : width;
        TensorSpec.Type type = input.type;
        int pixel = facts.channels() * type.bytes;
        int scale = facts.netScale();
        ByteBuffer given = ByteBuffer.allocateDirect(high * wide * pixel).order(ByteOrder.nativeOrder());
        ByteBuffer made = ByteBuffer.allocateDirect(high * wide * scale * scale * facts.channels() * output.type.bytes)
                .order(ByteOrder.nativeOrder());
        for (Window row : plan.rows.windows) {
            for (Window column : plan.columns.windows) {
                given.clear();
                for (int y = row.start; y < row.stop; y++) {
                    for (int x = column.start; x < column.stop; x++) {
                        int from = (Axis.reflected(y, height) * width + Axis.reflected(x, width)) * facts.channels();
                        for (int c = 0; c < facts.channels(); c++) put(input, from + c, given);
                    }
                }
                given.flip();
                made.clear();
                engine.run(given, made, high, wide);
                if (!equal(made, row, column, Math.min(row.last, bottom), Math.min(column.last, right), wide))
                    return false;
            }
        }
        return true;
    }

    private boolean equal(ByteBuffer made, Window row, Window column, int bottom, int right, int wide) {
        int scale = facts.netScale();
        for (int y = row.first * scale; y < bottom * scale; y++) {
            for (int x = column.first * scale; x < right * scale; x++) {
                int at = (y * width * scale + x) * facts.channels();
                int from = ((y - row.start * scale) * wide * scale + x - column.start * scale) * facts.channels();
                for (int c = 0; c < facts.channels(); c++) {
                    if (!(Math.abs(real(made, from + c) - real(output.data, at + c)) <= TILED)) return false;
                }
            }
        }
        return true;
    }

    private double real(ByteBuffer buffer, int index) {
        TensorSpec spec = file.output;
        if (spec.type == TensorSpec.Type.FLOAT32) return buffer.getFloat(4 * index);
        int value = spec.type == TensorSpec.Type.INT8 ? buffer.get(index) : buffer.get(index) & 0xff;
        return (value - (double) spec.zeroPoint) * spec.scale;
    }

    private static void put(Npy array, int index, ByteBuffer into) {
        if (array.type == TensorSpec.Type.FLOAT32) into.putFloat(array.value(index));
        else into.put(array.data.get(index));
    }

    /** A copy outside the heap, in native order. */
    private static ByteBuffer direct(Npy array) {
        ByteBuffer copy = ByteBuffer.allocateDirect(array.data.capacity()).order(ByteOrder.nativeOrder());
        for (int index = 0; index < array.size(); index++) put(array, index, copy);
        copy.flip();
        return copy;
    }
}
