package org.edgeir.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Looper;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Manifest;
import org.junit.Test;
import org.robolectric.android.controller.ActivityController;

/** Files that are not what they say: a message in words, nothing lost, the app alive. */
public class BadInputTest extends AppTest {
    private static byte[] jpeg() {
        Bitmap bitmap = Bitmap.createBitmap(60, 40, Bitmap.Config.ARGB_8888);
        bitmap.eraseColor(0xff336699);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        bitmap.compress(Bitmap.CompressFormat.JPEG, 90, out);
        return out.toByteArray();
    }

    private void assertJob(String name, byte[] bytes, Job.State state, String message) throws IOException {
        user.open(User.share(give(name, bytes)));
        user.untilFinished();
        Job job = User.queue().all().get(0);
        assertEquals(name, job.name);
        assertEquals(User.states(), state, job.state());
        assertEquals(message, job.message());
    }

    @Test
    public void whatIsNoPhotoIsSaid() throws Exception {
        byte[] whole = jpeg();
        String version = android.os.Build.VERSION.RELEASE;
        String none = "This is no photo that Android " + version + " can read: choose a JPEG, PNG, WebP or HEIC file.";
        assertJob("text.jpg", "Dear all,\nthis is a text.\n".getBytes(StandardCharsets.UTF_8), Job.State.FAILED, none);
        assertJob("empty.jpg", new byte[0], Job.State.FAILED, none);
        String cut = "The photo was cut off: the end of its file is missing. Copy or download it again.";
        assertJob("cut.jpg", Arrays.copyOf(whole, whole.length - 40), Job.State.FAILED, cut);
        byte[] png = java.nio.file.Files.readAllBytes(
                Images.png(folder.newFile(), TestData.image(50, 40, 3, false, 1)).toPath());
        assertJob("cut.png", Arrays.copyOf(png, png.length / 2), Job.State.FAILED, cut);
        assertJob("right.jpg", whole, Job.State.DONE, "");
    }

    @Test
    public void photosOfStrangeSizesAreRestored() throws Exception {
        for (int[] size : new int[][] {{1, 1}, {1, 70}, {3000, 2}}) {
            File file = Images.png(folder.newFile(), TestData.image(size[0], size[1], 3, false, 1));
            user.open(User.share(OtherApp.give(file, size[0] + ".png")));
            user.untilFinished();
            Job job = User.queue().all().get(0);
            assertEquals(User.states(), Job.State.DONE, job.state());
            assertEquals(4 * size[0], Images.read(job.result(), 3, false).width());
        }
    }

    /** A format that is decoded in one piece. */
    @Test
    public void aBitmapFileIsRestored() throws Exception {
        int width = 20;
        byte[] bmp = new byte[54 + 3 * width * width];
        java.nio.ByteBuffer head = java.nio.ByteBuffer.wrap(bmp).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        head.put((byte) 'B').put((byte) 'M').putInt(bmp.length).putInt(0).putInt(54).putInt(40);
        head.putInt(width).putInt(width).putShort((short) 1).putShort((short) 24);
        for (int at = 54; at < bmp.length; at++) bmp[at] = (byte) (at * 7);
        assertJob("photo.bmp", bmp, Job.State.DONE, "");
    }

    @Test
    public void anIntentWithoutPhotosIsSaid() {
        ActivityController<MainActivity> app = user.open(new Intent(Intent.ACTION_SEND).setType("image/png"));
        assertEquals("The other app shared no photo.", User.text(app.get(), R.id.message));
        // A path would be one of this app's own files.
        user.open(User.share(Uri.fromFile(new File(User.app().getFilesDir(), "verdicts"))));
        user.untilFinished();
        assertEquals(
                "Only files that another app gives are taken: share the photo from a gallery or from Files.",
                User.queue().all().get(0).message());
    }

    private String open(byte[] bytes) throws IOException {
        return open(Bundles.write(folder.newFile(), bytes));
    }

    private String open(File zip) {
        Uri uri = OtherApp.give(zip, "a bundle.zip");
        Intent view = new Intent(Intent.ACTION_VIEW).setDataAndType(uri, "application/zip");
        ActivityController<MainActivity> app = user.open(view);
        user.until("it is not opened", () -> {
            String said = User.text(app.get(), R.id.message);
            return !said.isEmpty() && !said.equals("Opening the bundle…");
        });
        return User.text(app.get(), R.id.message);
    }

    private static byte[] changed(String from, String to) throws IOException {
        Map<String, byte[]> files = Bundles.files("sr-x2-xs");
        String manifest = new String(files.get(Manifest.NAME), StandardCharsets.UTF_8);
        assertTrue(from, manifest.contains(from));
        files.put(Manifest.NAME, manifest.replace(from, to).getBytes(StandardCharsets.UTF_8));
        return Bundles.zip(files);
    }

    @Test
    public void aBundleIsOpenedAndChosen() throws Exception {
        int before = User.app().models().all().size();
        byte[] zip = Bundles.zip(Bundles.files("sr-x2-xs"));
        for (int time = 0; time < 2; time++) { // the second time it is not kept twice
            assertEquals("The bundle was opened: sr-x2-xs, fp32.", open(zip));
            assertEquals(before + 3, User.app().models().all().size());
        }
        user.open(User.share(OtherApp.give(Images.png(folder.newFile(), TestData.image(30, 20, 3, false, 1)), "x")));
        user.untilFinished();
        Job job = User.queue().all().get(0);
        assertEquals(User.states(), Job.State.DONE, job.state());
        assertEquals(60, job.width());
        User.app().models().remove(User.app().models().find(job.model));
        assertEquals(before, User.app().models().all().size());
    }

    @Test
    public void bundlesThatAreNoneAreSaidAndNotKept() throws Exception {
        int before = User.app().models().all().size();
        byte[] zip = Bundles.zip(Bundles.files("sr-x2-xs"));
        assertSaid("is no zip archive", open("no zip".getBytes(StandardCharsets.UTF_8)));
        assertSaid("is no zip archive, or it was cut off", open(Arrays.copyOf(zip, zip.length / 2)));
        assertSaid("There is no edgeir.json here", open(Bundles.zip(Collections.singletonMap("a.txt", zip))));
        assertSaid("made by a newer edgeir", open(changed("edgeir-bundle-1", "edgeir-bundle-2")));
        Map<String, byte[]> files = Bundles.files("sr-x2-xs");
        files.put("../../evil", new byte[1]);
        assertSaid("leads out of it", open(Bundles.zip(files)));
        files = Bundles.files("sr-x2-xs");
        files.get("tflite-fp32-64x64.tflite")[1000]++;
        assertSaid("is damaged: its checksum is not that of", open(Bundles.zip(files)));
        assertSaid("has no tflite file that runs here", open(changed("\"target\": \"tflite\"", "\"target\": \"onnx\"")));
        assertNothingKept(before);
    }

    private static void assertNothingKept(int before) {
        assertEquals(before, User.app().models().all().size());
        String[] kept = new File(User.app().getFilesDir(), "bundles").list();
        assertEquals(0, kept == null ? 0 : kept.length);
    }

    /** Files of a thousandth of their size, and names without end: nothing is unpacked, and the app goes on. */
    @Test
    public void zipBombsAreSaidAndNotKept() throws Exception {
        int before = User.app().models().all().size();
        Map<String, byte[]> files = Bundles.files("sr-x2-xs");
        String model = "tflite-fp32-64x64.tflite";
        assertSaid("`" + model + "` is larger than", open(bomb(files, model, 256 << 20)));
        assertSaid("`edgeir.json` is larger than", open(bomb(files, Manifest.NAME, 256 << 20)));
        // One that is not in the manifest is never read.
        assertEquals("The bundle was opened: sr-x2-xs, fp32.", open(bomb(files, "proof/other.png", 256 << 20)));
        User.app().models().remove(User.app().models().chosen(Settings.of(User.app()).model()));
        // A manifest that promises as much as there is.
        String stated = "(\"" + model + "\": \\{\\s*\"bytes\": )\\d+";
        String manifest = new String(files.get(Manifest.NAME), StandardCharsets.UTF_8);
        Map<String, byte[]> promised = Bundles.files("sr-x2-xs");
        promised.put(
                Manifest.NAME, manifest.replaceAll(stated, "$1" + (900L << 20)).getBytes(StandardCharsets.UTF_8));
        assertSaid("has 900 MiB, and this app's memory suffices for files of", open(bomb(promised, model, 1 << 20)));
        for (int number = 0; number < 20_000; number++) files.put("x/" + number, new byte[0]);
        assertSaid("it is no bundle", open(Bundles.zip(files)));
        assertNothingKept(before);
        user.open(User.share(photo("after.png", 20, 20)));
        user.untilFinished();
        assertEquals(User.states(), Job.State.DONE, job("after.png").state());
    }

    /** The files as a zip, with this many zeros in one of them. */
    private File bomb(Map<String, byte[]> files, String name, long zeros) throws IOException {
        File file = folder.newFile();
        byte[] chunk = new byte[1 << 20];
        try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(file))) {
            zip.setLevel(1);
            for (Map.Entry<String, byte[]> one : files.entrySet()) {
                if (one.getKey().equals(name)) continue;
                zip.putNextEntry(new ZipEntry(one.getKey()));
                zip.write(one.getValue());
            }
            zip.putNextEntry(new ZipEntry(name));
            for (long written = 0; written < zeros; written += chunk.length) zip.write(chunk);
        }
        assertTrue(file.length() + " bytes", file.length() < 4 << 20);
        return file;
    }

    private static void assertSaid(String expected, String said) {
        assertTrue(said, said.contains(expected));
        shadowOf(Looper.getMainLooper()).idle();
    }
}
