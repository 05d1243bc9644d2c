package org.edgeir.tflite;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.check.VerdictStore;
import org.edgeir.restorer.pixels.ArgbSource;
import org.edgeir.restorer.pixels.PngSink;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The lines of README.md, as they stand there (tests/test_docs.py compares them), compiled and run. */
public class ReadmeTest {
    @Rule
    public final TemporaryFolder results = new TemporaryFolder();

    private final List<String> shown = new ArrayList<>();

    /** Android's class, as far as it is used. */
    private interface Bitmap {
        void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height);

        int getWidth();

        int getHeight();
    }

    private void restore(File model, Bitmap bitmap, File folder, String phone, Watcher watcher) throws IOException {
        // README begins
        int width = bitmap.getWidth();
        ArgbSource photo = new ArgbSource(
                width,
                bitmap.getHeight(),
                false,
                (argb, top, rows) -> bitmap.getPixels(argb, 0, width, 0, top, width, rows));
        VerdictStore verdicts = new VerdictStore(new File(folder, "verdicts"), phone);
        try (Bundle bundle = Bundle.open(model);
                Engines engines =
                        Engines.open(bundle, bundle.manifest.file("tflite", "int8"), Accelerator.GPU, 2, verdicts);
                OutputStream out = new FileOutputStream(new File(folder, "restored.png"))) {
            engines.restorer(Options.standard()).restore(photo, new PngSink(out), watcher);
            show(engines.verdict().sentence(), engines.notes());
        }
        // README ends
    }

    private void show(String verdict, List<String> notes) {
        shown.add(verdict);
        shown.addAll(notes);
    }

    @Test
    public void theLinesRestoreAnImage() throws Exception {
        Native.needed();
        Bitmap bitmap = new Bitmap() {
            @Override
            public void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height) {
                for (int at = 0; at < width * height; at++) pixels[at] = 0xff000000 | (y + at / width) * 0x010203;
            }

            @Override
            public int getWidth() {
                return 81;
            }

            @Override
            public int getHeight() {
                return 59;
            }
        };
        restore(TestData.made("bundles/sr-x4"), bitmap, results.getRoot(), "a phone", Watcher.NONE);
        BufferedImage image = ImageIO.read(new File(results.getRoot(), "restored.png"));
        assertEquals(4 * 81, image.getWidth());
        assertEquals(4 * 59, image.getHeight());
        assertTrue(shown.get(0), shown.get(0).contains("right on the golden image"));
        assertEquals(2, shown.size());
    }
}
