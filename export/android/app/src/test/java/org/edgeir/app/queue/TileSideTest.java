package org.edgeir.app.queue;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import android.net.Uri;
import java.io.File;
import org.edgeir.app.App;
import org.edgeir.app.AppTest;
import org.edgeir.app.Images;
import org.edgeir.app.Settings;
import org.edgeir.app.User;
import org.edgeir.app.models.Model;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.tflite.Accelerator;
import org.edgeir.tflite.Engines;
import org.junit.Test;

/** Larger tiles than the file's, where the phone has the memory: the result is the same. */
public class TileSideTest extends AppTest {
    private static final long LARGE = TileSide.BYTES * 384 * 384;

    @Test
    public void halfOfTheFreeMemoryStaysFree() {
        assertEquals(384, TileSide.side(2 * LARGE, 1));
        assertEquals(256, TileSide.side(2 * LARGE - 1, 1));
        assertEquals(256, TileSide.side(4 * LARGE, 4));
        assertEquals(0, TileSide.side(3 * LARGE, 4));
        assertEquals(0, TileSide.side(0, 1));
    }

    /** However much is free. */
    @Test
    public void allInterpretersTogetherAreBounded() {
        int[] sides = {384, 256, 256, 256, 0};
        for (int engines = 1; engines <= sides.length; engines++) {
            int side = TileSide.side(1L << 40, engines);
            assertEquals(sides[engines - 1], side);
            assertTrue(TileSide.BYTES * side * side * engines <= TileSide.MOST);
        }
    }

    @Test
    public void thePhonesMemoryIsAsked() throws Exception {
        App app = User.app();
        Model model = app.models().chosen(Settings.of(app).model());
        try (Bundle bundle = app.models().open(model);
                Engines engines = Engines.open(bundle, model.file, Accelerator.CPU, 2, app.verdicts())) {
            free(4 * LARGE);
            assertEquals(256, TileSide.of(app, engines));
            free(0);
            assertEquals(0, TileSide.of(app, engines));
        }
    }

    @Test
    public void theResultIsThatOfTheFilesOwnTiles() throws Exception {
        Uri photo = photo("photo.png", 400, 300);
        byte[][] samples = new byte[2][];
        for (int time = 0; time < 2; time++) {
            free(time == 0 ? 0 : 4L << 30);
            user.open(User.share(photo));
            user.untilFinished();
            Job job = User.queue().all().get(0);
            assertEquals(User.states(), Job.State.DONE, job.state());
            File result = job.result();
            samples[time] = Images.read(result, 3, false).samples();
        }
        assertArrayEquals(samples[0], samples[1]);
    }
}
