package org.edgeir.app;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.File;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Test;

/** What comes out is what {@code edgeir restore} makes. */
public class RestoringTest extends AppTest {
    @Test
    public void aSharedPhotoIsRestoredAsByPython() throws Exception {
        for (String precision : new String[] {"int8", "fp32"}) {
            Settings.of(User.app()).setModel("app:sr-x4-xs/tflite-" + precision + "-64x64.tflite");
            for (int planes : new int[] {3, 4, 1}) {
                String name = "restored/sr-x4-xs-" + precision + "-" + planes;
                ArrayImage given = TestData.image(TestData.made(name + "-in.npy"));
                ArrayImage expected = TestData.image(TestData.made(name + "-out.npy"));
                File photo = Images.png(folder.newFile(), given);
                user.open(User.share(OtherApp.give(photo, "a photo.png")));
                user.untilFinished();
                Job job = User.queue().all().get(0);
                assertEquals(User.states(), Job.State.DONE, job.state());
                ArrayImage made = Images.read(job.result(), given.colours(), given.hasAlpha());
                assertEquals(expected.width(), made.width());
                if (planes == 1) assertClose(expected.samples(), made.samples());
                else assertArrayEquals(name, expected.samples(), made.samples());
            }
        }
    }

    /** Luma of three colours: a sum may round the other way. */
    private static void assertClose(byte[] expected, byte[] made) {
        int differing = 0;
        for (int at = 0; at < made.length; at++) {
            int difference = Math.abs((expected[at] & 0xff) - (made[at] & 0xff));
            assertTrue(difference <= 1);
            differing += difference;
        }
        assertTrue(differing + " differ", 1000 * differing <= made.length);
    }
}
