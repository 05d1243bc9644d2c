package org.edgeir.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.net.Uri;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.edgeir.app.queue.Job;
import org.junit.Test;
import org.robolectric.annotation.Config;

/** Photos that Android does not decode, and very large ones: what is wrong and what helps, and the others go on. */
public class StrangePhotosTest extends AppTest {
    /** The beginnings of files, in Latin-1; Robolectric has no decoder for any of them. */
    private static Map<String, String[]> unreadable() {
        String heif = "This is a HEIC or AVIF photo, and Android %s cannot read it on this phone: set the camera to JPEG, "
                + "or share the photo as JPEG from the app that shows it.";
        String raw = "This is a camera’s raw photo (DNG and the like), and Android %s cannot read it on this phone: let the "
                + "camera keep a JPEG as well, or export one from an app for raw photos.";
        String other = "This is a TYPE file, and Android %s cannot read it: convert it to JPEG or PNG.";
        String dng = "II*\0\b\0\0\0\1\0\22\u00c6\1\0\4\0\0\0\1\4\0\0\0\0\0\0";
        Map<String, String[]> files = new LinkedHashMap<>();
        files.put("heic.jpg", new String[] {"\0\0\0\30ftypheic\0\0\0\0mif1heic", heif});
        files.put("burst.heic", new String[] {"\0\0\0\30ftypmsf1\0\0\0\0msf1hevc", heif});
        files.put("photo.avif", new String[] {"\0\0\0\34ftypavif\0\0\0\0avifmif1miaf", heif});
        files.put("one.dng", new String[] {dng, raw});
        files.put("one.nef", new String[] {"MM\0*\0\0\0\b\0\1\1\u004a\0\4\0\0\0\1\0\0\0\u0080\0\0\0\0", raw});
        files.put("one.cr2", new String[] {"II*\0\20\0\0\0CR\2\0", raw});
        files.put("one.cr3", new String[] {"\0\0\0\30ftypcrx \0\0\0\1crx isom", raw});
        files.put("one.raf", new String[] {"FUJIFILMCCD-RAW 0201", raw});
        files.put("one.rw2", new String[] {"IIU\0\30\0\0\0", raw});
        files.put("scan.tif", new String[] {"II*\0\b\0\0\0\0\0", other.replace("TYPE", "TIFF")});
        files.put("cut.tif", new String[] {"II*\0\u00ff\u00ff\u00ff\u007f", other.replace("TYPE", "TIFF")});
        files.put("photo.jxl", new String[] {"\u00ff\n\u00fa\1", other.replace("TYPE", "JPEG XL")});
        files.put("drawing.svg", new String[] {"<?xml version='1.0'?><svg/>", other.replace("TYPE", "SVG")});
        files.put("paper.pdf", new String[] {"%PDF-1.7", other.replace("TYPE", "PDF")});
        files.put("clip.mp4", new String[] {"\0\0\0\30ftypisom\0\0\0\0isommp42", "This is a video: choose a photo."});
        files.put("bad.png", new String[] {"\u0089PNG\r\n\32\nnothing", null});
        files.put("half.heic", new String[] {"\0\0\0\30ftyphei", heif});
        return files;
    }

    @Test
    public void whatAndroidDoesNotDecodeIsNamedAndTheOthersGoOn() throws Exception {
        Map<String, String[]> files = unreadable();
        Uri[] photos = new Uri[files.size() + 1];
        int index = 0;
        for (Map.Entry<String, String[]> file : files.entrySet()) {
            byte[] start = file.getValue()[0].getBytes(StandardCharsets.ISO_8859_1);
            photos[index++] = give(file.getKey(), Arrays.copyOf(start, file.getKey().equals("half.heic") ? 11 : 6000));
        }
        photos[index] = photo("right.png", 30, 20);
        user.open(User.share(photos));
        user.untilFinished();
        for (Map.Entry<String, String[]> file : files.entrySet()) {
            Job job = job(file.getKey());
            assertEquals(User.states(), Job.State.FAILED, job.state());
            String said = file.getValue()[1];
            if (said == null) said = "The photo was cut off: the end of its file is missing. Copy or download it again.";
            assertEquals(job.name, String.format(said, android.os.Build.VERSION.RELEASE), job.message());
        }
        assertEquals(Job.State.DONE, job("right.png").state());
    }

    /** A format that Android decodes in one piece, of a size that would end the app. */
    @Test
    public void aPhotoThatDoesNotFitInOnePieceIsRefusedBefore() throws Exception {
        ByteArrayOutputStream gif = new ByteArrayOutputStream();
        byte[] side = {(byte) (20_000 & 0xff), (byte) (20_000 >> 8)};
        gif.write("GIF89a".getBytes(StandardCharsets.US_ASCII));
        gif.write(side);
        gif.write(side);
        gif.write(new byte[] {(byte) 0x80, 0, 0, 0, 0, 0, -1, -1, -1, 0x2c, 0, 0, 0, 0});
        gif.write(side);
        gif.write(side);
        gif.write(new byte[] {0, 2, 2, 0x44, 1, 0, 0x3b});
        user.open(User.share(give("large.gif", gif.toByteArray()), photo("right.png", 30, 20)));
        user.untilFinished();
        assertEquals(Job.State.FAILED, job("large.gif").state());
        assertEquals(
                "Android reads photos of this format only in one piece, and 20000×20000 pixels do not fit its memory: "
                        + "convert it to JPEG or PNG.",
                job("large.gif").message());
        assertEquals(Job.State.DONE, job("right.png").state());
    }

    /**
     * 100 megapixels, of which the result has 1600, 4.8 GB: once a tile is done, all arrays are there. It is cancelled,
     * and the next photo is restored. LargeImageTest of the library writes such a result's first strips.
     */
    @Test
    @Config(sdk = 35)
    public void aHundredMegapixelsAreRestoredPieceByPiece() throws Exception {
        free(4L << 30);
        user.open(User.share(give("large.jpg", flatJpeg(10_000, 10_000)), photo("right.png", 30, 20)));
        user.until("it does not come", () -> job("large.jpg") != null);
        Job large = job("large.jpg");
        File part = new File(large.result().getPath() + ".part");
        user.until("no tile is done", () -> !large.open() || large.permille() > 0);
        assertEquals(User.states(), Job.State.RUNNING, large.state());
        assertEquals(40_000, large.width());
        assertEquals(40_000, large.height());
        User.queue().cancel(large);
        user.untilFinished();
        assertEquals(User.states(), Job.State.CANCELLED, large.state());
        assertFalse(part.exists());
        assertEquals(User.states(), Job.State.DONE, job("right.png").state());
        assertTrue(large.notes().toString(), large.notes().isEmpty());
    }

    /** A gray JPEG of three components: every block has the codes of "no change" and "end", 001010 together. */
    private static byte[] flatJpeg(int width, int height) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeShort(0xffd8);
        out.writeShort(0xffdb); // one table of quantisation
        out.writeShort(67);
        out.writeByte(0);
        byte[] table = new byte[64];
        Arrays.fill(table, (byte) 16);
        out.write(table);
        out.writeShort(0xffc0);
        out.writeShort(17);
        out.write(new byte[] {8, (byte) (height >> 8), (byte) height, (byte) (width >> 8), (byte) width, 3});
        for (int component = 1; component <= 3; component++) out.write(new byte[] {(byte) component, 0x11, 0});
        huffman(out, 0x00, new byte[] {0, 2}, new byte[] {0, 1}); // "no change" becomes 00
        huffman(out, 0x10, new byte[] {0, 2, 1, 3}, new byte[] {1, 2, 3, 0, 4, 17}); // and "end" 1010
        out.writeShort(0xffda);
        out.writeShort(12);
        out.write(new byte[] {3, 1, 0, 2, 0, 3, 0, 0, 63, 0});
        long blocks = 3L * ((width + 7) / 8) * ((height + 7) / 8);
        byte[] four = {0x28, (byte) 0xa2, (byte) 0x8a}; // four blocks
        for (long block = 0; block < blocks; block += 4) out.write(four);
        out.writeShort(0xffd9);
        return bytes.toByteArray();
    }

    /** @param counts of codes with one bit, two bits, … */
    private static void huffman(DataOutputStream out, int table, byte[] counts, byte[] values) throws IOException {
        out.writeShort(0xffc4);
        out.writeShort(19 + values.length);
        out.writeByte(table);
        out.write(Arrays.copyOf(counts, 16));
        out.write(values);
    }
}
