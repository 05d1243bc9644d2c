package org.edgeir.restorer.pixels;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.Test;

/** What the writer writes, read by Java's own reader. */
public class PngSinkTest {
    @Test
    public void everyKindOfImageIsReadBackAsItWas() throws Exception {
        Random random = new Random(0);
        for (int kind = 0; kind < 4; kind++) {
            for (int[] size : new int[][] {{1, 1}, {3, 200}, {257, 65}}) {
                int colours = kind < 2 ? 1 : 3;
                boolean alpha = kind % 2 == 1;
                byte[] samples = new byte[size[0] * size[1] * (colours + (alpha ? 1 : 0))];
                random.nextBytes(samples);
                for (int index = samples.length / 3; index < samples.length / 2; index++)
                    samples[index] = (byte) (index / 7);
                ArrayImage image = new ArrayImage(size[0], size[1], colours, alpha, samples);
                assertArrayEquals(samples, read(written(image, 1 + random.nextInt(40)), image.planes()));
            }
        }
    }

    private static byte[] written(ArrayImage image, int strip) throws IOException {
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        PngSink sink = new PngSink(stream, new byte[] {1, 2, 3}, new byte[] {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 0}, 6);
        sink.begin(image.width(), image.height(), image.colours(), image.hasAlpha());
        byte[] rows = new byte[strip * image.width() * image.planes()];
        for (int top = 0; top < image.height(); top += strip) {
            int count = Math.min(strip, image.height() - top);
            image.read(top, top + count, rows);
            sink.rows(rows, count);
        }
        sink.finish();
        return stream.toByteArray();
    }

    private static byte[] read(byte[] png, int planes) throws IOException {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        assertNotNull(image);
        Raster raster = image.getRaster();
        assertEquals(planes, raster.getNumBands());
        int[] values = raster.getPixels(0, 0, image.getWidth(), image.getHeight(), (int[]) null);
        byte[] samples = new byte[values.length];
        for (int index = 0; index < values.length; index++) samples[index] = (byte) values[index];
        return samples;
    }

    @Test
    public void profileAndTagsAreChunksBeforeThePixels() throws Exception {
        String text = new String(written(new ArrayImage(2, 2, 3, false, new byte[12]), 1), "ISO-8859-1");
        assertTrue(text.indexOf("iCCP") > 0 && text.indexOf("iCCP") < text.indexOf("IDAT"));
        assertTrue(text.indexOf("eXIf") > 0 && text.indexOf("eXIf") < text.indexOf("IDAT"));
    }

    @Test
    public void rowsThatAreMissingAreNoticed() throws Exception {
        PngSink sink = new PngSink(new ByteArrayOutputStream());
        sink.begin(2, 2, 3, false);
        sink.rows(new byte[6], 1);
        assertThrows(IllegalStateException.class, sink::finish);
        sink.abort();
    }
}
