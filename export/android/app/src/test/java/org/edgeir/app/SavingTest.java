package org.edgeir.app;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.Manifest;
import android.content.ContentValues;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.os.Build;
import android.os.Looper;
import android.provider.MediaStore;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.nio.file.Files;
import org.edgeir.app.compare.CompareActivity;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Before;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.android.controller.ActivityController;

/** Results among the phone's pictures, and in other apps. */
public class SavingTest extends AppTest {
    @Before
    public void setUp() throws Exception {
        MediaFake.install(folder.newFolder());
        if (Build.VERSION.SDK_INT < 29)
            shadowOf(User.app()).grantPermissions(Manifest.permission.WRITE_EXTERNAL_STORAGE);
        free(4L << 30);
    }

    /** A smooth image: JPEG keeps it nearly as it is. */
    static ArrayImage smooth(int width, int height) {
        byte[] samples = new byte[3 * width * height];
        for (int at = 0; at < samples.length; at++) {
            int x = at / 3 % width;
            int y = at / 3 / width;
            samples[at] = (byte) (60 + 120 * x / width + 40 * y / height + 10 * (at % 3));
        }
        return new ArrayImage(width, height, 3, false, samples);
    }

    private CompareActivity restored(String name) throws Exception {
        File file = Images.png(folder.newFile(), smooth(60, 40));
        user.open(User.share(OtherApp.give(file, name)));
        user.untilFinished();
        Job job = User.queue().all().get(0);
        assertEquals(User.states(), Job.State.DONE, job.state());
        return show(job).get();
    }

    static ActivityController<CompareActivity> show(Job job) {
        Intent intent = new Intent(User.app(), CompareActivity.class).putExtra(CompareActivity.JOB, job.id);
        return Robolectric.buildActivity(CompareActivity.class, intent).setup();
    }

    private void untilSaid(CompareActivity activity, String what) {
        user.until(what, () -> !User.text(activity, R.id.message).equals("Saving…"));
    }

    @Test
    public void aPngIsSavedAsItIs() throws Exception {
        CompareActivity activity = restored("my photo.jpeg");
        Job job = User.queue().all().get(0);
        assertTrue(User.text(activity, R.id.words).contains("right on the golden image"));
        User.click(activity, R.id.save_png);
        untilSaid(activity, "it is not saved");
        assertEquals("", User.text(activity, R.id.message));
        ContentValues row = MediaFake.ROWS.get(1L);
        assertEquals("image/png", row.getAsString(MediaStore.MediaColumns.MIME_TYPE));
        assertEquals("my photo-restored.png", row.getAsString(MediaStore.MediaColumns.DISPLAY_NAME));
        if (Build.VERSION.SDK_INT >= 29) {
            assertEquals("Pictures/edgeir", row.getAsString(MediaStore.MediaColumns.RELATIVE_PATH));
            assertEquals(0, (int) row.getAsInteger(MediaStore.MediaColumns.IS_PENDING));
        }
        assertArrayEquals(
                Files.readAllBytes(job.result().toPath()),
                Files.readAllBytes(MediaFake.content(1).toPath()));
        shadowOf(Looper.getMainLooper()).idle();
        assertEquals(
                "Done: 240×160 pixels. Saved: Pictures/edgeir/my photo-restored.png",
                User.text(activity, R.id.state));
    }

    @Test
    public void aJpegIsSavedWhereTheMemorySufficesAndRefusedBeforeWhereItDoesNot() throws Exception {
        CompareActivity activity = restored("photo.png");
        Job job = User.queue().all().get(0);
        User.click(activity, R.id.save_jpeg);
        untilSaid(activity, "it is not saved");
        ArrayImage jpeg = Images.read(MediaFake.content(1), 3, false);
        byte[] png = Images.read(job.result(), 3, false).samples();
        double squares = 0;
        for (int at = 0; at < png.length; at++) squares += Math.pow((jpeg.samples()[at] & 0xff) - (png[at] & 0xff), 2);
        double psnr = 10 * Math.log10(255.0 * 255 * png.length / squares);
        assertTrue(psnr + " dB", psnr > 38);

        free(1 << 20);
        CompareActivity full = show(job).get();
        assertFalse(full.findViewById(R.id.save_jpeg).isEnabled());
        assertEquals(
                "JPEG needs 64 MiB of memory at once, and 1 are free. Save a PNG: it is written piece by piece.",
                User.text(full, R.id.message));
        User.click(full, R.id.save_png);
    }

    @Test
    public void aFullPhoneLeavesNothing() throws Exception {
        CompareActivity activity = restored("photo.png");
        MediaFake.fillUp();
        for (int button : new int[] {R.id.save_png, R.id.save_jpeg}) {
            User.click(activity, button);
            untilSaid(activity, "it is not saved");
            assertEquals(
                    "The phone’s storage is full: remove something, then try again.",
                    User.text(activity, R.id.message));
            assertTrue(MediaFake.ROWS.isEmpty());
        }
    }

    @Test
    public void manyAreSavedAtOnce() throws Exception {
        restored("one.png");
        restored("two.png");
        MainActivity activity = user.open().get();
        User.click(activity, R.id.save_all);
        user.until("they are not saved", () -> MediaFake.ROWS.size() == 2
                && User.text(activity, R.id.message).contains("saved"));
        assertEquals("2 photos were saved in Pictures/edgeir.", User.text(activity, R.id.message));
        shadowOf(Looper.getMainLooper()).idle();
        assertFalse(activity.findViewById(R.id.save_all).isEnabled());
    }

    @Test
    public void savingAsksBeforeAndroid10() throws Exception {
        if (Build.VERSION.SDK_INT >= 29) return;
        CompareActivity activity = restored("photo.png");
        String[] asked = {Manifest.permission.WRITE_EXTERNAL_STORAGE};
        shadowOf(User.app()).denyPermissions(asked);
        User.click(activity, R.id.save_png);
        assertArrayEquals(asked, shadowOf(activity).getLastRequestedPermission().requestedPermissions);
        activity.onRequestPermissionsResult(1, asked, new int[] {PackageManager.PERMISSION_DENIED});
        assertTrue(User.text(activity, R.id.message).startsWith("Saving needs your permission"));
        shadowOf(User.app()).grantPermissions(asked);
        activity.onRequestPermissionsResult(1, asked, new int[] {PackageManager.PERMISSION_GRANTED});
        untilSaid(activity, "it is not saved");
        assertEquals(1, MediaFake.ROWS.size());
    }

    @Test
    public void aSharedResultCanBeReadAndNothingElse() throws Exception {
        CompareActivity activity = restored("photo.png");
        Job job = User.queue().all().get(0);
        User.click(activity, R.id.share);
        Intent chooser = shadowOf(activity).getNextStartedActivity();
        Intent send = chooser.getParcelableExtra(Intent.EXTRA_INTENT);
        assertEquals(Intent.ACTION_SEND, send.getAction());
        assertTrue((send.getFlags() & Intent.FLAG_GRANT_READ_URI_PERMISSION) != 0);
        Uri uri = send.getParcelableExtra(Intent.EXTRA_STREAM);
        assertEquals(activity.getPackageName() + ".files", uri.getAuthority());
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        try (InputStream stream = activity.getContentResolver().openInputStream(uri)) {
            byte[] chunk = new byte[1 << 16];
            for (int count; (count = stream.read(chunk)) > 0; ) read.write(chunk, 0, count);
        }
        assertArrayEquals(Files.readAllBytes(job.result().toPath()), read.toByteArray());
        for (String path : new String[] {"verdicts", "result/" + job.id, "benchmark/..%2Fverdicts", "result/x/y"}) {
            Uri other = Uri.parse("content://" + uri.getAuthority() + "/" + path);
            org.junit.Assert.assertThrows(
                    java.io.FileNotFoundException.class,
                    () -> activity.getContentResolver().openInputStream(other));
        }
    }
}
