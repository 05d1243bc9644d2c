package org.edgeir.restorer.bundle;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeNoException;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Bundles that are right, and every kind of bad input: one line that says what, where and what to do. */
public class BundleTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private static final byte[] MODEL = "a model".getBytes(StandardCharsets.UTF_8);
    private String manifest;

    @Before
    public void makeManifest() {
        String tensor = "[{\"name\": \"x\", \"shape\": [1, %d, %d, 3], \"layout\": \"NHWC\", \"dtype\": \"float32\"}]";
        String golden = "\"golden\": null, \"sizes\": [], ";
        String facts = "{\"task\": \"super-resolution\", \"scale\": 2, \"input_kind\": \"lr\", \"colour\": \"rgb\", "
                + "\"size_multiple\": 1, \"tile_multiple\": 1, \"receptive_radius\": 8, \"global_operations\": []}";
        String file = "{\"path\": \"m.tflite\", \"target\": \"tflite\", \"precision\": \"fp32\", \"bytes\": 7, "
                + "\"sha256\": \"" + Bundle.sha256(MODEL) + "\", " + golden + "\"inputs\": "
                + String.format(tensor, 30, 40) + ", \"outputs\": " + String.format(tensor, 60, 80) + "}";
        manifest = "{\"format\": \"edgeir-bundle-1\", \"source\": \"sr-x4\", \"licence\": null, \"facts\": " + facts
                + ", \"files\": [" + file + "], \"contents\": {\"m.tflite\": {\"bytes\": 7, \"sha256\": \""
                + Bundle.sha256(MODEL) + "\"}}}";
    }

    private Map<String, byte[]> files() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(Manifest.NAME, manifest.getBytes(StandardCharsets.UTF_8));
        files.put("m.tflite", MODEL);
        return files;
    }

    private File zipped(Map<String, byte[]> files) throws IOException {
        File file = folder.newFile();
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file.toPath()))) {
            for (Map.Entry<String, byte[]> entry : files.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
            }
        }
        return file;
    }

    private static void refused(String message, File file, String read) {
        Exception error = assertThrows(BundleException.class, () -> {
            try (Bundle bundle = Bundle.open(file)) {
                bundle.read(read);
            }
        });
        assertTrue(error.getMessage(), error.getMessage().contains(message));
    }

    private static void damaged(String message, String manifest) {
        Exception error = assertThrows(
                message, BundleException.class, () -> Manifest.parse(manifest.getBytes(StandardCharsets.UTF_8)));
        assertTrue(error.getMessage(), error.getMessage().contains(message));
    }

    @Test
    public void aFolderAndAZipAreRead() throws Exception {
        File unpacked = folder.newFolder();
        for (Map.Entry<String, byte[]> entry : files().entrySet())
            Files.write(new File(unpacked, entry.getKey()).toPath(), entry.getValue());
        Map<String, byte[]> inside = new LinkedHashMap<>();
        for (Map.Entry<String, byte[]> entry : files().entrySet())
            inside.put("app/" + entry.getKey(), entry.getValue());
        for (File file : new File[] {unpacked, zipped(files()), zipped(inside)}) {
            try (Bundle bundle = Bundle.open(file)) {
                ModelFile model = bundle.manifest.file("tflite", null);
                assertEquals("sr-x4", bundle.manifest.source);
                assertNull(bundle.manifest.licence);
                assertArrayEquals(new int[] {30, 40}, model.size);
                assertEquals(TensorSpec.Type.FLOAT32, model.input.type);
                assertArrayEquals(MODEL, bundle.read(model.path));
                assertThrows(BundleException.class, () -> bundle.read("other"));
            }
        }
    }

    @Test
    public void aNewerAForeignAndNoManifestAreToldApart() throws Exception {
        damaged(
                "made by a newer edgeir: its format is edgeir-bundle-2",
                manifest.replace("edgeir-bundle-1", "edgeir-bundle-2"));
        damaged("`their-format`, which this app does not know", manifest.replace("edgeir-bundle-1", "their-format"));
        damaged("`format` is no text", "{}");
        damaged("no JSON", manifest.substring(0, 200));
        damaged("no JSON", "PK");
        refused("no zip archive", folder.newFile(), "");
        refused("There is no edgeir.json here", folder.newFolder(), "");
        refused("There is no edgeir.json here", zipped(java.util.Collections.singletonMap("a.txt", MODEL)), "");
    }

    @Test
    public void whatIsWrongInAManifestIsNamed() {
        String[][] changes = {
            {"\"scale\": 2", "\"scale\": 0", "`facts.scale` is 0, not a whole number from 1 to 64"},
            {"\"scale\": 2", "\"scale\": 2.5", "`facts.scale` is 2.5"},
            {"\"scale\": 2", "\"scale\": 3", "do not agree with the facts"},
            {"\"scale\": 2", "\"scale\": \"2\"", "`facts.scale` is 2, not a whole number"},
            {"\"input_kind\": \"lr\"", "\"input_kind\": \"up\"", "`facts.input_kind` is `up`, not lr or bicubic"},
            {"\"receptive_radius\": 8", "\"receptive_radius\": 1000000000", "facts.receptive_radius"},
            {"\"global_operations\": []", "\"global_operations\": [1]", "facts.global_operations"},
            {"\"colour\": \"rgb\"", "\"colour\": \"y\"", "do not agree with the facts"},
            {"[1, 30, 40, 3]", "[1, 30, 40]", "has 3 sides, not 4"},
            {"[1, 30, 40, 3]", "[1, null, 40, 3]", "do not agree with the facts"},
            {"[1, 30, 40, 3]", "[1, 30, -40, 3]", "inputs[0].shape"},
            {"\"sizes\": []", "\"sizes\": [[30]]", "no height and width"},
            {"\"sizes\": []", "\"sizes\": 3", "`files[0].sizes` is no list"},
            {"\"path\": \"m.tflite\"", "\"path\": \"../m.tflite\"", "no path inside the bundle"},
            {"\"path\": \"m.tflite\"", "\"path\": \"n.tflite\"", "`contents` does not list `n.tflite`"},
            {"\"contents\": {\"m", "\"contents\": {\"/m", "no path inside the bundle"},
            {"\"contents\": {\"m", "\"contents\": {\"a\\u0000m", "no path inside the bundle"},
            {"\"contents\": {\"m.tflite\"", "\"contents\": {\"edgeir.json\"", "lists edgeir.json itself"},
            {
                "\"bytes\": 7, \"sha256\": \"" + Bundle.sha256(MODEL) + "\"}}",
                "\"bytes\": 7, \"sha256\": \"A\"}}",
                "is no SHA-256"
            },
            {
                "\"bytes\": 7, \"sha256\": \"" + Bundle.sha256(MODEL) + "\"}}",
                "\"bytes\": 1e9}}",
                "contents.m.tflite.sha256"
            },
            {
                "\"golden\": null",
                "\"golden\": {\"input\": \"a\", \"output\": \"b\", \"expected\": \"c\", \"max_abs_error\": 0, "
                        + "\"p99_abs_error\": 1}",
                "golden.max_abs_error` is no number above 0"
            },
            {
                "\"golden\": null",
                "\"golden\": {\"input\": \"a\", \"output\": \"b\", \"expected\": \"c\", \"max_abs_error\": 1, "
                        + "\"p99_abs_error\": 1}",
                "`contents` does not list `a`"
            },
            {"\"files\": [", "\"files\": [], \"other\": [", "`files` is empty"},
            {"\"dtype\": \"float32\"", "\"dtype\": \"int8\"", "quant_scale"},
        };
        for (String[] change : changes) {
            assertTrue(change[0], manifest.contains(change[0]));
            damaged(change[2], manifest.replace(change[0], change[1]));
        }
    }

    /** Whatever stands in a manifest: it is read, or refused in a sentence. */
    @Test
    public void damagedManifestsAreRefusedOrRead() throws Exception {
        String[] values = {"null", "-1", "0", "1e9", "3.5", "\"\"", "\"../x\"", "[]", "{}", "[null]", "[[1]]", "true"};
        Pattern value = Pattern.compile("(?<=[:\\[,] )(\\d+|null|\"[^\"]*\"|\\[[^\\[\\]{}]*\\])");
        List<int[]> places = new ArrayList<>();
        Matcher found = value.matcher(manifest);
        while (found.find()) places.add(new int[] {found.start(), found.end()});
        assertTrue("" + places.size(), places.size() > 25);
        int refused = 0;
        for (int[] place : places) {
            for (String other : values) {
                String changed = manifest.substring(0, place[0]) + other + manifest.substring(place[1]);
                try {
                    Manifest.parse(changed.getBytes(StandardCharsets.UTF_8)).file("tflite", null);
                } catch (BundleException error) {
                    assertTrue(error.getMessage().length() > 20);
                    refused++;
                }
            }
        }
        assertTrue(refused + " of " + places.size() * values.length, refused > places.size() * values.length / 2);
    }

    @Test
    public void aFileThatTheLibraryCannotFeedIsLeftOutWithTheReason() throws Exception {
        Manifest other = Manifest.parse(manifest.replace("\"NHWC\"", "\"NCHW\"").getBytes(StandardCharsets.UTF_8));
        Exception error = assertThrows(BundleException.class, () -> other.file("tflite", null));
        assertTrue(error.getMessage(), error.getMessage().contains("m.tflite: its layout is NCHW"));
        Manifest right = Manifest.parse(manifest.getBytes(StandardCharsets.UTF_8));
        assertTrue(assertThrows(BundleException.class, () -> right.file("tflite", "int8"))
                .getMessage()
                .contains("m.tflite is fp32"));
        assertTrue(assertThrows(BundleException.class, () -> right.file("onnx", null))
                .getMessage()
                .contains("m.tflite is tflite"));
    }

    @Test
    public void changedMissingAndLongerFilesAreRefused() throws Exception {
        Map<String, byte[]> files = files();
        files.put("m.tflite", "A model".getBytes(StandardCharsets.UTF_8));
        refused("`m.tflite` is damaged: its checksum", zipped(files), "m.tflite");
        files.put("m.tflite", "a mod".getBytes(StandardCharsets.UTF_8));
        refused("`m.tflite` is damaged: its checksum", zipped(files), "m.tflite");
        files.put("m.tflite", new byte[64 << 20]); // a bomb: 64 KB in the zip, and 7 bytes are promised
        refused("`m.tflite` is larger than 7 bytes", zipped(files), "m.tflite");
        files.put(Manifest.NAME, manifest.replace("\"bytes\": 7", "\"bytes\": 900000000").getBytes(StandardCharsets.UTF_8));
        refused("`m.tflite` has 858 MiB, and this app's memory suffices for files of 64", zipped(files), "m.tflite");
        files.put(Manifest.NAME, manifest.getBytes(StandardCharsets.UTF_8));
        files.remove("m.tflite");
        refused("`m.tflite` is missing", zipped(files), "m.tflite");
        files.put(Manifest.NAME, new byte[64 << 20]);
        refused("`edgeir.json` is larger than 4194304 bytes", zipped(files), "");
    }

    @Test
    public void aZipOfManyFilesIsRefused() throws Exception {
        Map<String, byte[]> files = files();
        for (int number = 0; number < 10_000; number++) files.put("x/" + number, new byte[0]);
        refused("has 10002 files: it is no bundle", zipped(files), "m.tflite");
    }

    @Test
    public void namesThatLeadOutAreRefused() throws Exception {
        for (String name : new String[] {"../a", "x/../../a", "/a", "x\\a", "C:a", ".."}) {
            Map<String, byte[]> files = files();
            files.put(name, MODEL);
            refused("which leads out of it", zipped(files), "m.tflite");
        }
        File unpacked = folder.newFolder();
        for (Map.Entry<String, byte[]> entry : files().entrySet())
            Files.write(new File(unpacked, entry.getKey()).toPath(), entry.getValue());
        File outside = folder.newFile();
        Files.write(outside.toPath(), MODEL);
        File link = new File(unpacked, "m.tflite");
        assertTrue(link.delete());
        try {
            Files.createSymbolicLink(link.toPath(), outside.toPath());
        } catch (IOException | UnsupportedOperationException error) {
            assumeNoException(error);
        }
        refused("leads out of the bundle", unpacked, "m.tflite");
    }

    @Test
    public void aTruncatedOrDamagedZipIsRefused() throws Exception {
        byte[] whole = Files.readAllBytes(zipped(files()).toPath());
        Random random = new Random(4);
        int refused = 0;
        for (int number = 0; number < 2000; number++) {
            byte[] bytes = number % 2 == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            if (number % 2 == 1)
                for (int change = 0; change < 3; change++)
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            File file = folder.newFile();
            Files.write(file.toPath(), bytes);
            try (Bundle bundle = Bundle.open(file)) {
                assertArrayEquals(MODEL, bundle.read("m.tflite"));
            } catch (BundleException error) {
                assertTrue(error.getMessage().length() > 20);
                refused++;
            }
            assertTrue(file.delete());
        }
        assertTrue("" + refused, refused > 1000);
    }

    @Test
    public void arraysAreReadAndDamagedOnesRefused() throws Exception {
        byte[] header =
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n".getBytes(StandardCharsets.ISO_8859_1);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        stream.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) header.length, 0});
        stream.write(header);
        stream.write(new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, (byte) 0xc0});
        byte[] bytes = stream.toByteArray();
        Npy array = Npy.parse(bytes, "a.npy");
        assertArrayEquals(new int[] {1, 2}, array.shape);
        assertEquals(1, array.value(0), 0);
        assertEquals(-2, array.value(1), 0);
        for (int size = 0; size < bytes.length; size++) {
            byte[] part = Arrays.copyOf(bytes, size);
            assertThrows(BundleException.class, () -> Npy.parse(part, "a.npy"));
        }
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        String[][] changes = {
            {"<f4", "<f8"}, {"False", "True "}, {"(1, 2)", "(1, 9)"}, {"(1, 2)", "(1,-2)"}, {"(1, 2)", "(9999999999)"}
        };
        for (String[] change : changes) {
            byte[] changed = text.replace(change[0], change[1]).getBytes(StandardCharsets.ISO_8859_1);
            assertThrows(change[1], BundleException.class, () -> Npy.parse(changed, "a.npy"));
        }
    }
}
