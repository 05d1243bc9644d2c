package org.edgeir.tflite;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.FolderSource;
import org.edgeir.restorer.bundle.Manifest;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.Source;
import org.edgeir.restorer.check.Verdict;
import org.edgeir.restorer.check.VerdictStore;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Which accelerator is used, what is said where it is not, and files that are not what they say. */
public class EnginesTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private VerdictStore store;

    @Before
    public void needsTheLibrary() {
        Native.needed();
        store = store("a phone");
    }

    private VerdictStore store(String phone) {
        return new VerdictStore(new File(folder.getRoot(), "verdicts"), phone);
    }

    private static Bundle bundle() throws IOException {
        return Bundle.open(TestData.made("bundles/sr-x4-xs"));
    }

    /** Here is no GPU, and no class that its delegate needs: the app works nevertheless, and says why it is slower. */
    @Test
    public void anAcceleratorThatIsAbsentIsSaidAndTheCpuUsed() throws Exception {
        for (Accelerator wanted : new Accelerator[] {Accelerator.GPU, Accelerator.NNAPI}) {
            for (int time = 0; time < 2; time++) { // the second time by the verdict that is kept
                try (Bundle bundle = bundle();
                        Engines engines = Engines.open(
                                bundle, bundle.manifest.file("tflite", "int8"), wanted, 2, store("a phone"))) {
                    assertEquals(Accelerator.CPU, engines.accelerator());
                    assertEquals(2, engines.all().size());
                    assertTrue(engines.verdict().passed);
                    assertEquals(1, engines.notes().size());
                    String note = engines.notes().get(0);
                    assertTrue(note, note.startsWith(wanted.title + ": cannot be used, "));
                    assertTrue(note, note.endsWith(" The CPU is used."));
                }
            }
        }
    }

    @Test
    public void theGoldenImageIsNotRunAgainWhereAVerdictIsKept() throws Exception {
        try (Bundle bundle = bundle()) {
            ModelFile file = bundle.manifest.file("tflite", "fp32");
            Verdict first;
            try (Engines engines = Engines.open(bundle, file, Accelerator.CPU, 1, store)) {
                first = engines.verdict();
            }
            try (Engines engines = Engines.open(bundle, file, Accelerator.CPU, 1, store("a phone"))) {
                assertEquals(first.sentence(), engines.verdict().sentence()); // its time too
            }
            assertTrue(
                    first.sentence(),
                    first.sentence()
                            .matches(
                                    "TensorFlow Lite 2\\.16\\.1, CPU \\(XNNPACK\\): right on the golden image "
                                            + "\\(bit-exact, .* ms\\)\\. All operators on the CPU\\."));
        }
    }

    @Test
    public void anAcceleratorThatEndedTheAppTwiceIsNotTriedAgain() throws Exception {
        try (Bundle bundle = bundle()) {
            ModelFile file = bundle.manifest.file("tflite", "fp32");
            store.begin(TfliteEngine.version(), "GPU", file.sha256);
            store.begin(TfliteEngine.version(), "GPU", file.sha256);
            try (Engines engines = Engines.open(bundle, file, Accelerator.GPU, 1, store("a phone"))) {
                assertEquals(Accelerator.CPU, engines.accelerator());
                assertTrue(
                        engines.notes().get(0), engines.notes().get(0).contains("ended the app on the golden image"));
            }
        }
    }

    /** A source that gives other bytes, and a manifest that calls them right. */
    private static Bundle changed(String path, byte[] content, String... replaced) throws IOException {
        FolderSource files = new FolderSource(TestData.made("bundles/sr-x4-xs"));
        byte[] old = files.read(path, 1 << 30);
        Source source = (name, most) -> {
            if (name.equals(path)) return content;
            byte[] bytes = files.read(name, most);
            if (!name.equals(Manifest.NAME)) return bytes;
            String text = new String(bytes, StandardCharsets.UTF_8).replace(Bundle.sha256(old), Bundle.sha256(content));
            text = text.replaceAll("(\"" + path + "\": \\{\\s*\"bytes\": )\\d+", "$1" + content.length);
            for (int index = 0; index < replaced.length; index += 2) {
                if (!text.contains(replaced[index])) throw new AssertionError(replaced[index]);
                text = text.replace(replaced[index], replaced[index + 1]);
            }
            return text.getBytes(StandardCharsets.UTF_8);
        };
        return Bundle.open(source);
    }

    private void refused(String message, Bundle bundle, String precision) throws IOException {
        Exception error = assertThrows(
                ModelException.class,
                () -> Engines.open(bundle, bundle.manifest.file("tflite", precision), Accelerator.CPU, 1, store));
        assertTrue(error.getMessage(), error.getMessage().contains(message));
    }

    @Test
    public void aModelThatDoesNotMatchItsManifestIsRefused() throws Exception {
        String path = "tflite-fp32-64x64.tflite";
        FolderSource x4 = new FolderSource(TestData.made("bundles/sr-x4-xs"));
        FolderSource x2 = new FolderSource(TestData.made("bundles/sr-x2-xs"));
        FolderSource bytes = new FolderSource(TestData.made("bundles/bytes"));
        refused("a tensor is [1, 128, 128, 3], not [1, 256, 256, 3]", changed(path, x2.read(path, 1 << 30)), "fp32");
        refused(
                "a tensor is UINT8, not FLOAT32",
                changed(path, bytes.read("tflite-int8-uint8-64x64.tflite", 1 << 30)),
                "fp32");
        // Another network of the same shape is found by the golden image.
        byte[] other = new FolderSource(TestData.made("bundles/sr-x4")).read(path, 1 << 30);
        refused("computes something else here than where it was exported", changed(path, other), "fp32");
        refused("computes something else", changed(path, x4.read("tflite-int8-64x64.tflite", 1 << 30)), "fp32");
    }

    @Test
    public void damagedModelsAreRefusedAndEndNothing() throws Exception {
        String path = "tflite-fp32-64x64.tflite";
        byte[] whole = new FolderSource(TestData.made("bundles/sr-x4-xs")).read(path, 1 << 30);
        for (int size : new int[] {0, 1, 7, 100, whole.length / 2, whole.length - 1}) {
            refused("cannot be loaded", changed(path, Arrays.copyOf(whole, size)), "fp32");
        }
        byte[] noise = new byte[5000];
        new Random(1).nextBytes(noise);
        refused("cannot be loaded", changed(path, noise), "fp32");
    }

    /** Tiles of another size are judged by what is there of the golden image; one engine is asked for all. */
    @Test
    public void otherTilesAreCheckedOnceWithThinnedArraysToo() throws Exception {
        for (int step : new int[] {1, 5}) {
            for (String precision : new String[] {"int8", "fp32"}) {
                Source source = TestData.thinned(TestData.made("bundles/sr-x4-xs"), step);
                try (Bundle bundle = Bundle.open(source);
                        Engines engines = Engines.open(
                                bundle, bundle.manifest.file("tflite", precision), Accelerator.CPU, 2, store(step + ""))) {
                    assertTrue(engines.verdict().sentence(), engines.verdict().passed);
                    for (Engine engine : engines.all()) {
                        assertTrue(engine.takes(100, 80));
                        assertTrue(engine.takes(40, 52));
                        assertFalse(engine.takes(4, 4));
                    }
                }
            }
        }
    }

    @Test
    public void anEngineThatFailsSaysWhatTensorFlowLiteSays() throws Exception {
        ByteBuffer small = ByteBuffer.allocateDirect(12);
        Engine engine;
        try (Bundle bundle = bundle();
                Engines engines =
                        Engines.open(bundle, bundle.manifest.file("tflite", "fp32"), Accelerator.CPU, 1, store)) {
            engine = engines.all().get(0);
            assertTrue(failure(engine, small), failure(engine, small).contains("bytes"));
            assertFalse(engine.takes(0, 5));
            assertFalse(engine.takes(4, 4)); // too small for the receptive field
            assertTrue(engine.takes(32, 40));
            assertTrue(engine.takes(64, 64));
        }
        assertEquals("the engine was closed", failure(engine, small));
    }

    private static String failure(Engine engine, ByteBuffer buffer) {
        return assertThrows(EngineException.class, () -> engine.run(buffer, buffer, 64, 64)).getMessage();
    }
}
