package org.edgeir.restorer.check;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
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
    private final GoldenArrays golden;

    private GoldenCheck(Facts facts, ModelFile file, GoldenArrays golden) {
        this.facts = facts;
        this.file = file;
        this.golden = golden;
    }

    /** Reads the golden arrays of a file; null where it has none. */
    public static GoldenCheck of(Bundle bundle, ModelFile file) throws IOException {
        GoldenArrays golden = GoldenArrays.of(bundle, file);
        return golden == null ? null : new GoldenCheck(bundle.manifest.facts, file, golden);
    }

    /** Runs an engine on the golden input and judges it. */
    public Verdict run(Engine engine, String placed) {
        ByteBuffer made = golden.made();
        double[] times = new double[TIMED];
        try {
            engine.run(golden.input(), made, golden.height, golden.width);
            for (int run = 0; run < TIMED; run++) {
                ByteBuffer given = golden.input();
                long began = System.nanoTime();
                engine.run(given, made, golden.height, golden.width);
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
        double[] errors = new double[golden.size()];
        double[] shift = new double[channels];
        double squares = 0;
        double largest = 0;
        double sum = 0;
        double expectedSum = 0;
        for (int index = 0; index < errors.length; index++) {
            double value = golden.real(made, golden.place(index));
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                return Verdict.failed(title, "wrong, its output has values that are not finite", placed);
            }
            double difference = value - golden.output(index);
            shift[index % channels] += difference * channels / errors.length;
            squares += difference * difference / errors.length;
            largest = Math.max(largest, Math.abs(difference));
            errors[index] = Math.abs(value - golden.expected(index));
            sum += value;
            expectedSum += golden.expected(index);
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
        int height = golden.height;
        int width = golden.width;
        Plan plan = Plan.of(height, width, facts, new int[] {high, wide}, null, false);
        int radius = facts.receptiveRadius;
        int bottom = plan.rows.end > height
                ? height - radius
                : height; // windows that leave the image end in mirrored pixels
        int right = plan.columns.end > width ? width - radius : width;
        int values = high * wide * facts.channels();
        int scale = facts.netScale();
        ByteBuffer given = GoldenArrays.direct(values * file.input.type.bytes);
        ByteBuffer made = GoldenArrays.direct(values * scale * scale * file.output.type.bytes);
        for (Window row : plan.rows.windows) {
            for (Window column : plan.columns.windows) {
                given.clear();
                for (int y = row.start; y < row.stop; y++) {
                    for (int x = column.start; x < column.stop; x++) {
                        int from = (Axis.reflected(y, height) * width + Axis.reflected(x, width)) * facts.channels();
                        for (int c = 0; c < facts.channels(); c++) golden.putInput(from + c, given);
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
        for (int y = next(row.first * scale); y < bottom * scale; y += golden.step) {
            for (int x = next(column.first * scale); x < right * scale; x += golden.step) {
                int from = ((y - row.start * scale) * wide * scale + x - column.start * scale) * facts.channels();
                for (int c = 0; c < facts.channels(); c++) {
                    double difference = golden.real(made, from + c) - golden.output(golden.index(y, x, c));
                    if (!(Math.abs(difference) <= TILED)) return false;
                }
            }
        }
        return true;
    }

    /** The first row or column from here on that is among the golden values. */
    private int next(int from) {
        return (from + golden.step - 1) / golden.step * golden.step;
    }
}
