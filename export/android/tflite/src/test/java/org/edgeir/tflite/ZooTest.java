package org.edgeir.tflite;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.Result;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.JsonFile;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.check.VerdictStore;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Every network of the zoo on TensorFlow Lite's own Android library: what Python's LiteRT computes, byte for byte. */
public class ZooTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private VerdictStore store;

    @Before
    public void needsTheLibrary() {
        Native.needed();
        store = new VerdictStore(new File(folder.getRoot(), "verdicts"), "a JVM");
    }

    @Test
    public void everyFileGivesItsGoldenOutputBitForBit() throws Exception {
        int files = 0;
        File[] bundles = TestData.made("bundles").listFiles();
        for (File one : bundles) {
            try (Bundle bundle = Bundle.open(one)) {
                for (ModelFile file : bundle.manifest.files) {
                    try (Engines engines = Engines.open(bundle, file, Accelerator.CPU, 1, store)) {
                        assertTrue(engines.verdict().sentence(), engines.verdict().passed);
                        assertTrue(
                                one + " " + engines.verdict().sentence(), Double.isInfinite(engines.verdict().psnrDb));
                        assertEquals(0, engines.verdict().largestLevels, 0);
                        files++;
                    }
                }
            }
        }
        // A network whose files miss the gate in fewer bits comes in fp32 alone.
        assertTrue(files + " files of " + bundles.length + " bundles", files > bundles.length);
    }

    @Test
    public void restoredImagesAreThoseOfPython() throws Exception {
        List<Map<String, Object>> cases = JsonFile.objects(JsonFile.read(TestData.made("restored/cases.json")));
        int checked = 0;
        for (Map<String, Object> one : cases) {
            if (one.get("bundle") == null) continue;
            ArrayImage image = TestData.image(TestData.made("restored/" + one.get("input")));
            byte[] expected = TestData.image(TestData.made("restored/" + one.get("output")))
                    .samples();
            try (Bundle bundle = Bundle.open(TestData.made("bundles/" + one.get("bundle")))) {
                ModelFile file = named(bundle, (String) one.get("file"));
                for (int count = 1; count <= 2; count++) {
                    try (Engines engines = Engines.open(bundle, file, Accelerator.CPU, count, store)) {
                        ArrayImage sink = new ArrayImage();
                        engines.restorer(Options.standard()).restore(image, sink, Watcher.NONE);
                        int off = 0;
                        for (int index = 0; index < expected.length; index++) {
                            int difference = Math.abs((expected[index] & 0xff) - (sink.samples()[index] & 0xff));
                            assertTrue(one.toString(), difference <= 1);
                            off += difference;
                        }
                        // Gray is a sum of three products, which may be added up in another order.
                        assertTrue(
                                off + " samples of " + one, off <= (image.colours() == 1 ? expected.length / 1000 : 0));
                        checked++;
                    }
                }
            }
        }
        assertEquals(2 * 18, checked);
    }

    @Test
    public void bytesAtTheEndsGiveWhatFloatsGive() throws Exception {
        ArrayImage image = TestData.image(90, 75, 3, true, 3);
        byte[][] results = new byte[2][];
        String[] names = {"bytes", "sr-x4-xs"};
        for (int index = 0; index < 2; index++) {
            try (Bundle bundle = Bundle.open(TestData.made("bundles/" + names[index]));
                    Engines engines =
                            Engines.open(bundle, bundle.manifest.file("tflite", "int8"), Accelerator.CPU, 1, store)) {
                ArrayImage sink = new ArrayImage();
                engines.restorer(Options.standard()).restore(image, sink, Watcher.NONE);
                results[index] = sink.samples();
            }
        }
        assertEquals(results[0].length, results[1].length);
        for (int index = 0; index < results[0].length; index++) {
            assertTrue(Math.abs((results[0][index] & 0xff) - (results[1][index] & 0xff)) <= 2);
        }
    }

    @Test
    public void otherTilesGiveTheSameImage() throws Exception {
        ArrayImage image = TestData.image(150, 90, 3, false, 4);
        for (String precision : new String[] {"int8", "fp32"}) {
            try (Bundle bundle = Bundle.open(TestData.made("bundles/sr-x4-xs"));
                    Engines engines = Engines.open(
                            bundle, bundle.manifest.file("tflite", precision), Accelerator.CPU, 1, store)) {
                ArrayImage whole = new ArrayImage();
                int before = engines.restorer(Options.standard()).restore(image, whole, Watcher.NONE).tileHeight;
                ArrayImage sink = new ArrayImage();
                Options small = Options.standard().withMemoryBudget(1_600_000);
                int after = engines.restorer(small).restore(image, sink, Watcher.NONE).tileHeight;
                assertEquals(Arrays.asList(64, 32), Arrays.asList(before, after));
                int off = 0;
                for (int index = 0; index < whole.samples().length; index++) {
                    off += Math.abs((whole.samples()[index] & 0xff) - (sink.samples()[index] & 0xff));
                }
                ArrayImage photo = TestData.image(400, 300, 3, false, 5);
                ArrayImage inOwn = new ArrayImage();
                ArrayImage inLarge = new ArrayImage();
                engines.restorer(Options.standard()).restore(photo, inOwn, Watcher.NONE);
                Options large = Options.standard().withTile(200);
                Result result = engines.restorer(large).restore(photo, inLarge, Watcher.NONE);
                assertTrue(result.tileWidth + "×" + result.tileHeight, result.tileHeight > 100);
                for (int index = 0; index < inOwn.samples().length; index++)
                    off += Math.abs((inOwn.samples()[index] & 0xff) - (inLarge.samples()[index] & 0xff));
                assertTrue(precision + " " + off, off <= (precision.equals("int8") ? 0 : 5)); // sums in another order
            }
        }
    }

    private static ModelFile named(Bundle bundle, String path) {
        for (ModelFile file : bundle.manifest.files) if (file.path.equals(path)) return file;
        throw new AssertionError(path);
    }
}
