package org.edgeir.restorer;

import static org.junit.Assume.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.regex.Pattern;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.BundleException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.FolderSource;
import org.edgeir.restorer.bundle.Manifest;
import org.edgeir.restorer.bundle.Npy;
import org.edgeir.restorer.bundle.Source;
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

    /** A bundle's folder, its golden outputs in every n-th row and column alone, as edgeir android packages large ones. */
    public static Source thinned(File folder, int step) throws IOException {
        FolderSource whole = new FolderSource(folder);
        return (path, most) -> {
            byte[] bytes = whole.read(path, 1 << 30);
            if (path.startsWith("golden/") && !path.startsWith("golden/input")) return thinned(bytes, path, step);
            if (!path.equals(Manifest.NAME)) return bytes;
            String text = new String(bytes, StandardCharsets.UTF_8);
            for (File file : new File(folder, "golden").listFiles()) {
                String name = "golden/" + file.getName();
                if (name.startsWith("golden/input")) continue;
                byte[] old = whole.read(name, 1 << 30);
                byte[] made = thinned(old, name, step);
                text = text.replace(Bundle.sha256(old), Bundle.sha256(made))
                        .replaceAll("(\"" + Pattern.quote(name) + "\": \\{\\s*\"bytes\": )\\d+", "$1" + made.length);
            }
            return text.getBytes(StandardCharsets.UTF_8);
        };
    }

    private static byte[] thinned(byte[] npy, String path, int step) throws IOException {
        Npy array = Npy.parse(npy, path);
        int height = (array.shape[1] + step - 1) / step;
        int width = (array.shape[2] + step - 1) / step;
        String type = array.type == TensorSpec.Type.FLOAT32 ? "<f4" : array.type == TensorSpec.Type.INT8 ? "|i1" : "|u1";
        String header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (1, " + height + ", " + width + ", "
                + array.shape[3] + "), }\n";
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) header.length(), 0});
        bytes.write(header.getBytes(StandardCharsets.ISO_8859_1));
        int pixel = array.shape[3] * array.type.bytes;
        for (int y = 0; y < array.shape[1]; y += step)
            for (int x = 0; x < array.shape[2]; x += step)
                for (int at = 0; at < pixel; at++) bytes.write(array.data.get((y * array.shape[2] + x) * pixel + at));
        return bytes.toByteArray();
    }

    public static Npy array(File file) throws IOException, BundleException {
        return Npy.parse(Files.readAllBytes(file.toPath()), file.getName());
    }
}
