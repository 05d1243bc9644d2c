package org.edgeir.restorer.check;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.ByteBuffer;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.Npy;
import org.junit.Test;

/** An engine is trusted only if it gives what the file gave when it was exported. */
public class GoldenCheckTest {
    private interface Change {
        double of(double value, int index);
    }

    /** Gives the recorded output, changed. */
    private static final class Replay implements Engine {
        private final Npy output;
        private final Change change;

        Replay(Npy output, Change change) {
            this.output = output;
            this.change = change;
        }

        @Override
        public String title() {
            return "replay";
        }

        @Override
        public boolean takes(int height, int width) {
            return false;
        }

        @Override
        public void run(ByteBuffer input, ByteBuffer made, int height, int width) throws EngineException {
            for (int index = 0; index < output.size(); index++) {
                if (Double.isNaN(change.of(0, -1))) throw new EngineException("no memory on the device");
                made.putFloat(4 * index, (float) change.of(output.value(index), index));
            }
        }

        @Override
        public void close() {}
    }

    private static Verdict verdict(String precision, Change change) throws Exception {
        return verdict(precision, 1, change);
    }

    /** @param step the check has the output in every such row and column alone; the engine gives all of it */
    private static Verdict verdict(String precision, int step, Change change) throws Exception {
        File folder = TestData.made("bundles/sr-x4-xs");
        try (Bundle bundle = Bundle.open(folder);
                Bundle checked = step == 1 ? Bundle.open(folder) : Bundle.open(TestData.thinned(folder, step))) {
            ModelFile file = checked.manifest.file("tflite", precision);
            GoldenCheck check = GoldenCheck.of(checked, file);
            assertNotNull(check);
            return check.run(new Replay(bundle.array(file.golden.output), change), "Nowhere");
        }
    }

    private static void wrong(String precision, String what, Change change) throws Exception {
        Verdict verdict = verdict(precision, change);
        assertFalse(verdict.sentence(), verdict.passed);
        assertTrue(verdict.sentence(), verdict.what.contains(what));
    }

    @Test
    public void theRecordedOutputIsRightAndSoIsOtherRounding() throws Exception {
        for (String precision : new String[] {"fp32", "fp16", "int8"}) {
            Verdict same = verdict(precision, (value, index) -> value);
            assertTrue(same.sentence(), same.passed);
            assertTrue(Double.isInfinite(same.psnrDb));
            assertEquals(0, same.largestLevels, 0);
            assertTrue(same.milliseconds > 0);
            assertTrue(
                    same.sentence(),
                    same.sentence()
                            .startsWith(
                                    "replay: right on the golden image (bit-exact, at most 0.00 of 255 levels off, "));
            Verdict rounded = verdict(precision, (value, index) -> Math.rint(value * 1024) / 1024);
            assertTrue(rounded.sentence(), rounded.passed);
        }
    }

    /** As edgeir android packages the arrays of large outputs. */
    @Test
    public void everyFifthRowAndColumnSuffices() throws Exception {
        for (String precision : new String[] {"fp32", "fp16", "int8"}) {
            Verdict same = verdict(precision, 5, (value, index) -> value);
            assertTrue(same.sentence(), same.passed && same.largestLevels == 0);
            Change[] wrong = {
                (value, index) -> 0,
                (value, index) -> value + (index % 3 == 1 ? 3 / 255.0 : 0),
                (value, index) -> value + (index % 2 == 0 ? 0.05 : -0.05),
                (value, index) -> index / 3 % 256 > 200 ? 0 : value, // columns at the right
                (value, index) -> index / 3 / 256 > 230 ? Double.POSITIVE_INFINITY : value, // rows at the bottom
                (value, index) -> index / 3 / 256 % 4 == 3 ? value + 0.2 : value, // one phase of a pixel shuffle
            };
            for (Change change : wrong) assertFalse(verdict(precision, 5, change).passed);
        }
    }

    @Test
    public void wrongOutputsAreNamed() throws Exception {
        for (String precision : new String[] {"fp32", "fp16", "int8"}) {
            wrong(precision, "values that are not finite", (value, index) -> index == 777 ? Double.NaN : value);
            wrong(
                    precision,
                    "values that are not finite",
                    (value, index) -> index == 777 ? Double.NEGATIVE_INFINITY : value);
            wrong(precision, "its output is black", (value, index) -> 0);
            wrong(
                    precision,
                    "tinted, green by +3.0 of 255 levels",
                    (value, index) -> value + (index % 3 == 1 ? 3 / 255.0 : 0));
            wrong(precision, "tinted, blue by -", (value, index) -> index % 3 == 2 ? value / 2 : value);
            wrong(precision, "another image", (value, index) -> value + (index % 2 == 0 ? 0.05 : -0.05));
            wrong(precision, "single pixels are too far off", (value, index) -> index == 5 ? value + 2 : value);
            wrong(
                    precision,
                    "failed on the golden image: no memory on the device",
                    (value, index) -> index < 0 ? Double.NaN : value);
        }
        wrong("fp32", "many pixels are off", (value, index) -> value + (index % 2 == 0 ? 0.0035 : -0.0035));
    }
}
