package org.edgeir.restorer;

import static org.junit.Assume.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.edgeir.restorer.bundle.BundleException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.Npy;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.pixels.ArrayImage;

/** What the tests work on. */
public final class TestData {
    private TestData() {}

    /** A file of those that Python made; the test is skipped where they are not there. */
    public static File made(String path) {
        File file = new File(System.getProperty("edgeir.data"), path);
        assumeTrue(
                file + " is not there: make android, or python tools/android_data.py export/android/build/data",
                file.exists());
        return file;
    }

    /** Facts of a network that enlarges, or takes the image enlarged, or neither. */
    public static Facts facts(int scale, int radius, int multiple) {
        return new Facts("super-resolution", scale, false, false, multiple, 1, radius, Collections.<String>emptyList());
    }

    public static TensorSpec floats(Facts facts) {
        return new TensorSpec(Arrays.asList(1, null, null, facts.channels()), TensorSpec.Type.FLOAT32, 1, 0);
    }

    public static ArrayImage image(int width, int height, int colours, boolean alpha, long seed) {
        byte[] samples = new byte[width * height * (colours + (alpha ? 1 : 0))];
        new Random(seed).nextBytes(samples);
        return new ArrayImage(width, height, colours, alpha, samples);
    }

    /** An image that NumPy wrote, (height, width, planes); of 2 and 4 planes the last is alpha. */
    public static ArrayImage image(File file) throws IOException {
        Npy array = array(file);
        byte[] samples = new byte[array.size()];
        array.data.duplicate().get(samples);
        int planes = array.shape[2];
        return new ArrayImage(array.shape[1], array.shape[0], planes > 2 ? 3 : 1, planes % 2 == 0, samples);
    }

    public static Npy array(File file) throws IOException, BundleException {
        return Npy.parse(Files.readAllBytes(file.toPath()), file.getName());
    }
}
