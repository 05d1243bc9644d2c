package org.edgeir.app;

import static org.junit.Assert.assertArrayEquals;

import java.io.File;
import org.edgeir.app.photo.Photo;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;

/** Photos as they are read: pixels, colours, what stands beside them. */
@RunWith(AppRunner.class)
public class PhotoTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private static byte[] all(Photo photo) throws Exception {
        byte[] samples = new byte[photo.width() * photo.height() * photo.planes()];
        int half = photo.height() / 2;
        byte[] part = new byte[half * photo.width() * photo.planes()];
        photo.read(0, half, part);
        System.arraycopy(part, 0, samples, 0, part.length);
        part = new byte[(photo.height() - half) * photo.width() * photo.planes()];
        photo.read(half, photo.height(), part);
        System.arraycopy(part, 0, samples, samples.length - part.length, part.length);
        return samples;
    }

    @Test
    public void pixelsAreReadAsTheyAreStored() throws Exception {
        for (int colours : new int[] {3, 1}) {
            for (boolean alpha : new boolean[] {false, true}) {
                ArrayImage image = TestData.image(37, 29, colours, alpha, 1);
                File file = Images.png(folder.newFile(), image);
                assertArrayEquals(image.samples(), Images.read(file, colours, alpha).samples());
                try (Photo photo = Photo.open(User.app(), file)) {
                    assertArrayEquals(image.samples(), all(photo));
                }
            }
        }
    }
}
