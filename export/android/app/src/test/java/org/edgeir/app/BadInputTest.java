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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Manifest;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.robolectric.android.controller.ActivityController;

/** Files that are not what they say: a message in words, nothing lost, the app alive. */
@RunWith(AppRunner.class)
public class BadInputTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private final User user = new User();

    @Before
    public void setUp() {
        User.needsModels();
        OtherApp.install();
    }

    private Uri give(String name, byte[] bytes) throws IOException {
        return OtherApp.give(Bundles.write(folder.newFile(), bytes), name);
    }

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
        String none = "This is no photo that Android " + version + " can read.";
        assertJob("text.jpg", "Dear all,\nthis is a text.\n".getBytes(StandardCharsets.UTF_8), Job.State.FAILED, none);
        assertJob("empty.jpg", new byte[0], Job.State.FAILED, none);
        String cut = "The photo was cut off: the end of its file is missing.";
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
        assertEquals("Only files that another app gives are taken.", User.queue().all().get(0).message());
    }

    private String open(byte[] bytes) throws IOException {
        Intent view = new Intent(Intent.ACTION_VIEW).setDataAndType(give("a bundle.zip", bytes), "application/zip");
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
        assertEquals(before, User.app().models().all().size());
        String[] kept = new File(User.app().getFilesDir(), "bundles").list();
        assertEquals(0, kept == null ? 0 : kept.length);
    }

    private static void assertSaid(String expected, String said) {
        assertTrue(said, said.contains(expected));
        shadowOf(Looper.getMainLooper()).idle();
    }
}
