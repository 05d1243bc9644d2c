package org.edgeir.restorer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.concurrent.atomic.AtomicInteger;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.pixels.ImageSink;
import org.edgeir.restorer.pixels.ImageSource;
import org.edgeir.restorer.pixels.PngSink;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Large images ×4 in a JVM with the heap of a phone's app: the result of 12 megapixels is 576 MB, the heap 256. */
public class LargeImageTest {
    private static final int WIDTH = 4000;
    private static final int HEIGHT = 3000;

    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void twelveMegapixelsAreRestoredInASmallHeap() throws Exception {
        assertTrue("the build sets the heap", Runtime.getRuntime().maxMemory() <= 256 << 20);
        Facts facts = TestData.facts(4, 12, 1);
        File file = folder.newFile("large.png");
        Result result;
        try (OutputStream stream = new BufferedOutputStream(new FileOutputStream(file))) {
            Restorer restorer = new Restorer(
                    facts,
                    new int[] {180, 320},
                    TestData.floats(facts),
                    TestData.floats(facts),
                    Collections.singletonList(new Doubling(facts)),
                    Options.standard());
            result = restorer.restore(new Slope(WIDTH, HEIGHT), new PngSink(stream, null, null, 1), Watcher.NONE);
        }
        assertTrue(result.memory <= Options.standard().memoryBudget);
        assertEquals(4 * WIDTH, result.width);
        try (ImageInputStream stream = ImageIO.createImageInputStream(new FileInputStream(file))) {
            ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
            reader.setInput(stream, true);
            assertEquals(4 * WIDTH, reader.getWidth(0));
            assertEquals(4 * HEIGHT, reader.getHeight(0));
        }
    }

    /** The result has 40,000 pixels a side, 4.8 GB: its first strips, in lower tiles than the file's. */
    @Test
    public void aHundredMegapixelsAreBegunInASmallHeap() {
        Facts facts = TestData.facts(4, 12, 1);
        AtomicInteger rows = new AtomicInteger();
        ImageSink sink = new ImageSink() {
            @Override
            public void begin(int width, int height, int colours, boolean hasAlpha) {
                assertEquals(40_000, width);
                assertEquals(40_000, height);
            }

            @Override
            public void rows(byte[] samples, int count) {
                long strips = 2L * samples.length;
                assertTrue(strips + " bytes", strips <= Options.standard().memoryBudget);
                rows.addAndGet(count);
            }

            @Override
            public void finish() {}

            @Override
            public void abort() {}
        };
        Watcher watcher = new Watcher() {
            @Override
            public boolean cancelled() {
                return rows.get() > 600;
            }
        };
        Options options = Options.standard().withTile(384);
        Restorer restorer = new Restorer(
                facts,
                new int[] {180, 320},
                TestData.floats(facts),
                TestData.floats(facts),
                Collections.singletonList(new Doubling(facts)),
                options);
        assertThrows(CancelledException.class, () -> restorer.restore(new Slope(10_000, 10_000), sink, watcher));
        assertTrue(rows.get() > 600);
    }

    /** A source that holds nothing. */
    private static final class Slope implements ImageSource {
        private final int width;
        private final int height;

        Slope(int width, int height) {
            this.width = width;
            this.height = height;
        }

        @Override
        public int width() {
            return width;
        }

        @Override
        public int height() {
            return height;
        }

        @Override
        public int colours() {
            return 3;
        }

        @Override
        public boolean hasAlpha() {
            return false;
        }

        @Override
        public void read(int top, int bottom, byte[] samples) throws IOException {
            for (int y = top, at = 0; y < bottom; y++)
                for (int x = 0; x < 3 * width; x++) samples[at++] = (byte) ((x + y) >> 4);
        }
    }

    private static final class Doubling extends MadeUpEngine {
        private float[] given = new float[0];
        private float[] made = new float[0];

        Doubling(Facts facts) {
            super(facts, false);
        }

        @Override
        protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
            if (given.length != 3 * height * width) {
                given = new float[3 * height * width];
                made = new float[16 * given.length];
            }
            input.asFloatBuffer().get(given);
            for (int y = 0, at = 0; y < 4 * height; y++) {
                for (int x = 0; x < 4 * width; x++) {
                    int from = 3 * ((y >> 2) * width + (x >> 2));
                    for (int c = 0; c < 3; c++) made[at++] = given[from + c];
                }
            }
            output.asFloatBuffer().put(made);
        }
    }
}
