package org.edgeir.tflite;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.check.VerdictStore;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A GPU that computes something else never touches a user's image; one that fails later is left. */
public class WrongAcceleratorTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private final List<Accelerator> loaded = new ArrayList<>();
    private ArrayImage image;

    @Before
    public void needsTheLibrary() {
        Native.needed();
        image = TestData.image(90, 70, 3, false, 1);
    }

    /** What a GPU makes of a value, or how it fails. */
    private interface Fault {
        float of(float value, int index, int run) throws EngineException;
    }

    /** The CPU, called a GPU, with a fault. */
    private static final class Faulty implements Engine {
        private final Engine right;
        private final Fault fault;
        private final AtomicInteger runs = new AtomicInteger();

        Faulty(Engine right, Fault fault) {
            this.right = right;
            this.fault = fault;
        }

        @Override
        public String title() {
            return "GPU of a test";
        }

        @Override
        public boolean takes(int height, int width) {
            return false;
        }

        @Override
        public void run(ByteBuffer input, ByteBuffer output, int height, int width) throws EngineException {
            right.run(input, output, height, width);
            int run = runs.incrementAndGet();
            for (int at = 0; at < output.capacity(); at += 4) {
                output.putFloat(at, fault.of(output.getFloat(at), at / 4, run));
            }
        }

        @Override
        public void close() throws IOException {
            right.close();
        }
    }

    private Engines open(Bundle bundle, Fault fault) throws IOException {
        ModelFile file = bundle.manifest.file("tflite", "fp32");
        byte[] bytes = bundle.read(file.path);
        ByteBuffer model = ByteBuffer.allocateDirect(bytes.length).order(java.nio.ByteOrder.nativeOrder());
        model.put(bytes).rewind();
        VerdictStore store = new VerdictStore(new File(folder.getRoot(), "verdicts"), "a phone");
        return Engines.open(bundle, file, Accelerator.GPU, 1, store, (accelerator, sizes) -> {
            loaded.add(accelerator);
            Engine engine = TfliteEngine.load(Accelerator.CPU, bundle.manifest.facts, file, model, sizes);
            return accelerator == Accelerator.GPU ? new Faulty(engine, fault) : engine;
        });
    }

    private byte[] restored(Engines engines) throws IOException {
        ArrayImage sink = new ArrayImage();
        engines.restorer(Options.standard()).restore(image, sink, Watcher.NONE);
        return sink.samples();
    }

    @Test
    public void aWrongOneIsRefusedOnceAndForAll() throws Exception {
        String[] said = {"not finite", "its output is black", "tinted, red by +9.0 of 255 levels", "driver lost"};
        Fault[] faults = {
            (value, index, run) -> index == 5 ? Float.NaN : value,
            (value, index, run) -> 0,
            (value, index, run) -> index % 3 == 0 ? value + 9 / 255f : value,
            (value, index, run) -> {
                throw new EngineException("driver lost");
            },
        };
        for (int number = 0; number < faults.length; number++) {
            assertTrue(!new File(folder.getRoot(), "verdicts").exists()
                    || new File(folder.getRoot(), "verdicts").delete());
            for (int time = 0; time < 2; time++) {
                loaded.clear();
                try (Bundle bundle = Bundle.open(TestData.made("bundles/sr-x4-xs"));
                        Engines engines = open(bundle, faults[number])) {
                    assertEquals(Accelerator.CPU, engines.accelerator());
                    assertTrue(engines.notes().get(0), engines.notes().get(0).contains(said[number]));
                    assertTrue(engines.notes().get(0), engines.notes().get(0).endsWith(" The CPU is used."));
                    assertEquals(time == 0, loaded.contains(Accelerator.GPU)); // the second time it is not even loaded
                }
            }
        }
    }

    @Test
    public void aRightOneIsUsed() throws Exception {
        try (Bundle bundle = Bundle.open(TestData.made("bundles/sr-x4-xs"));
                Engines engines = open(bundle, (value, index, run) -> value + 1e-4f)) {
            assertEquals(Accelerator.GPU, engines.accelerator());
            assertEquals(0, engines.notes().size());
            String sentence = engines.verdict().sentence();
            assertTrue(
                    sentence,
                    sentence.startsWith(
                            "GPU of a test: right on the golden image (80.0 dB, at most 0.03 of 255 levels off, "));
            assertTrue(
                    sentence,
                    sentence.endsWith(
                            "GPU delegate in use; TensorFlow Lite does not tell an app for which operators."));
            restored(engines);
        }
    }

    @Test
    public void oneThatFailsInTheMiddleOfAnImageIsReplacedAndRemembered() throws Exception {
        byte[] right;
        try (Bundle bundle = Bundle.open(TestData.made("bundles/sr-x4-xs"))) {
            try (Engines engines = open(bundle, (value, index, run) -> value)) {
                right = restored(engines);
            }
            Fault late = (value, index, run) -> {
                if (run > 2) throw new EngineException("driver lost");
                return value;
            };
            try (Engines engines = open(bundle, late)) { // by the verdict that is kept, without the golden image
                assertEquals(Accelerator.GPU, engines.accelerator());
                assertArrayEquals(right, restored(engines));
                assertEquals(Accelerator.CPU, engines.accelerator());
                String note = engines.notes().get(0);
                assertTrue(note, note.contains("failed on an image: driver lost"));
                assertArrayEquals(right, restored(engines));
            }
            try (Engines engines = open(bundle, late)) {
                assertEquals(Accelerator.CPU, engines.accelerator());
                assertFalse(engines.notes().isEmpty());
            }
        }
    }
}
