package org.edgeir.app.photo;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.ColorSpace;
import android.media.ExifInterface;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.edgeir.app.AppTest;
import org.edgeir.app.Images;
import org.edgeir.app.OtherApp;
import org.edgeir.app.Settings;
import org.edgeir.app.User;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.pixels.ArrayImage;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.Before;
import org.junit.Test;

/** Photos as they are read and restored: pixels, orientation, colours, and what stands beside them. */
public class PhotoTest extends AppTest {
    @Before
    public void setUp() {
        Settings.of(User.app()).setModel("app:sr-x4-xs/tflite-fp32-64x64.tflite");
    }

    private static byte[] all(Photo photo) throws Exception {
        ByteArrayOutputStream samples = new ByteArrayOutputStream();
        for (int top = 0; top < photo.height(); top += 13) {
            int bottom = Math.min(photo.height(), top + 13);
            byte[] part = new byte[(bottom - top) * photo.width() * photo.planes()];
            photo.read(top, bottom, part);
            samples.write(part);
        }
        return samples.toByteArray();
    }

    @Test
    public void pixelsAreReadAsTheyAreStored() throws Exception {
        for (int colours : new int[] {3, 1}) {
            for (boolean alpha : new boolean[] {false, true}) {
                ArrayImage image = TestData.image(37, 29, colours, alpha, 1);
                File file = Images.png(folder.newFile(), image);
                try (Photo photo = Photo.open(User.app(), file)) {
                    assertArrayEquals(image.samples(), all(photo));
                }
            }
        }
    }

    private Job restored(File file) {
        user.open(User.share(OtherApp.give(file)));
        user.untilFinished();
        Job job = User.queue().all().get(0);
        assertEquals(User.states(), Job.State.DONE, job.state());
        return job;
    }

    /** Turned, wide, gray, palette and transparent photos: the same samples as {@code edgeir restore} gives. */
    @Test
    public void photosAreRestoredAsByPython() throws Exception {
        String list = new String(
                Files.readAllBytes(TestData.made("photos/cases.json").toPath()), StandardCharsets.UTF_8);
        JSONArray cases = new JSONArray(list);
        assertTrue(cases.length() > 10);
        for (int index = 0; index < cases.length(); index++) {
            JSONObject one = cases.getJSONObject(index);
            String name = one.getString("file");
            ArrayImage expected = TestData.image(TestData.made("photos/" + one.getString("result")));
            Job job = restored(TestData.made("photos/" + name));
            ArrayImage made = Images.read(job.result(), expected.colours(), expected.hasAlpha());
            assertEquals(name, expected.width(), made.width());
            assertEquals(name, expected.height(), made.height());
            int[] off = off(expected.samples(), made.samples());
            if (one.getBoolean("exact")) assertEquals(name, 0, off[0]);
            else assertTrue(name + " is off by " + off[0] + ", in sum " + off[1], off[0] <= 3);
        }
    }

    /** The largest difference, and the sum of all. */
    private static int[] off(byte[] expected, byte[] made) {
        assertEquals(expected.length, made.length);
        int[] off = new int[2];
        for (int at = 0; at < made.length; at++) {
            int difference = Math.abs((expected[at] & 0xff) - (made[at] & 0xff));
            off[0] = Math.max(off[0], difference);
            off[1] += difference;
        }
        return off;
    }

    @Test
    public void wideColoursAreKeptWithTheirProfile() throws Exception {
        for (String name : new String[] {"photos/p3.png", "photos/p3.jpg"}) {
            File file = TestData.made(name);
            Job job = restored(file);
            ColorSpace given = space(file);
            ColorSpace made = space(job.result());
            assertFalse(name, made.isSrgb());
            float[] before = ((ColorSpace.Rgb) given).getTransform();
            float[] after = ((ColorSpace.Rgb) made).getTransform();
            assertArrayEquals(name, before, after, 2e-3f);
            for (float value : new float[] {0.1f, 0.5f, 0.9f}) {
                float[] pixel = {value, value / 2, 1 - value};
                assertArrayEquals(given.toXyz(pixel.clone()), made.toXyz(pixel.clone()), 2e-3f);
            }
            assertNotNull(Header.of(job.result()).icc);
        }
        File written = new File(System.getProperty("edgeir.app.written"), "p3-restored.png");
        Files.copy(
                User.queue().all().get(1).result().toPath(),
                written.toPath(),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertNull(Header.of(restored(TestData.made("photos/gray.jpg")).result()).icc); // sRGB needs none
    }

    private static ColorSpace space(File file) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        Bitmap bitmap = BitmapFactory.decodeFile(file.getPath(), options);
        return bitmap.getColorSpace();
    }

    @Test
    public void exifIsKeptUprightAndThePlaceOnlyIfItIsAllowed() throws Exception {
        for (boolean keeps : new boolean[] {false, true}) {
            Settings.of(User.app()).setKeepsLocation(keeps);
            org.robolectric.Shadows.shadowOf(User.app())
                    .grantPermissions(android.Manifest.permission.ACCESS_MEDIA_LOCATION);
            Job job = restored(TestData.made("photos/turned-6.jpg"));
            byte[] tiff = Header.of(job.result()).exif;
            assertArrayEquals(Files.readAllBytes(job.exif().toPath()), tiff);
            // Android's own reader, of a JPEG that is given the block.
            ByteArrayOutputStream plain = new ByteArrayOutputStream();
            Bitmap.createBitmap(8, 8, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.JPEG, 90, plain);
            ByteArrayOutputStream jpeg = new ByteArrayOutputStream();
            int size = tiff.length + 8;
            jpeg.write(new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, (byte) 0xe1, (byte) (size >> 8), (byte) size});
            jpeg.write("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
            jpeg.write(tiff);
            jpeg.write(plain.toByteArray(), 2, plain.size() - 2);
            ExifInterface exif = new ExifInterface(new ByteArrayInputStream(jpeg.toByteArray()));
            assertEquals(1, Exif.orientation(tiff));
            assertEquals(keeps, hasPlace(tiff));
            ExifInterface given = new ExifInterface(TestData.made("photos/turned-6.jpg").getPath());
            if (given.getAttributeInt(ExifInterface.TAG_ORIENTATION, 0) != 6) {
                assertEquals(26, android.os.Build.VERSION.SDK_INT); // its reader needs native code that is not here
                continue;
            }
            assertEquals(1, exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, 0));
            assertEquals("A maker of phones", exif.getAttribute(ExifInterface.TAG_MAKE));
            assertEquals(4 * 61, exif.getAttributeInt(ExifInterface.TAG_PIXEL_X_DIMENSION, 0));
            assertEquals(4 * 83, exif.getAttributeInt(ExifInterface.TAG_PIXEL_Y_DIMENSION, 0));
            String text = new String(tiff, StandardCharsets.ISO_8859_1);
            assertTrue(text.contains("a comment that is kept"));
            float[] place = new float[2];
            assertEquals(keeps, exif.getLatLong(place));
            if (keeps) assertEquals(52.52f, place[0], 0.01f);
        }
    }

    @Test
    public void damagedExifIsLeftOut() throws Exception {
        byte[] tiff = Header.of(TestData.made("photos/turned-6.jpg")).exif;
        assertEquals(6, Exif.orientation(tiff));
        assertNotNull(Exif.of(tiff, false, 1, 1));
        for (int size = 0; size < tiff.length; size++) {
            byte[] cut = java.util.Arrays.copyOf(tiff, size);
            Exif.orientation(cut);
            byte[] cleaned = Exif.of(cut, false, 1, 1);
            if (cleaned != null) assertFalse(hasPlace(cleaned));
        }
        java.util.Random random = new java.util.Random(1);
        for (int time = 0; time < 3000; time++) { // bytes changed at random: no exception
            byte[] changed = tiff.clone();
            for (int byteCount = 0; byteCount < 4; byteCount++)
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            Exif.orientation(changed);
            Exif.of(changed, false, 100_000, 1);
        }
    }

    /** The latitude's 52 degrees and 31 minutes. */
    private static boolean hasPlace(byte[] tiff) {
        byte[] minutes = {0, 0, 0, 31, 0, 0, 0, 1};
        byte[] reversed = {31, 0, 0, 0, 1, 0, 0, 0};
        String text = new String(tiff, StandardCharsets.ISO_8859_1);
        return text.contains(new String(minutes, StandardCharsets.ISO_8859_1))
                || text.contains(new String(reversed, StandardCharsets.ISO_8859_1));
    }
}
