package org.edgeir.app;

import static org.robolectric.Shadows.shadowOf;

import android.app.ActivityManager;
import android.net.Uri;
import java.io.IOException;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.TestData;
import org.junit.Before;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;

/** The app with its models, a user, and another app that gives files. */
@RunWith(AppRunner.class)
public abstract class AppTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    protected final User user = new User();

    @Before
    public final void installed() {
        User.needsModels();
        OtherApp.install();
    }

    /** A file of the other app with these bytes. */
    protected final Uri give(String name, byte[] bytes) throws IOException {
        return OtherApp.give(Bundles.write(folder.newFile(), bytes), name);
    }

    /** A photo of the other app. */
    protected final Uri photo(String name, int width, int height) throws IOException {
        return OtherApp.give(Images.png(folder.newFile(), TestData.image(width, height, 3, false, 1)), name);
    }

    /** What Android says of the phone's memory; without it none is free, and tiles are those of the file. */
    protected static void free(long bytes) {
        ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
        info.availMem = bytes;
        info.totalMem = 8L << 30;
        shadowOf(User.app().getSystemService(ActivityManager.class)).setMemoryInfo(info);
    }

    /** The newest job of this name; null: there is none. */
    protected static Job job(String name) {
        for (Job job : User.queue().all()) if (job.name.equals(name)) return job;
        return null;
    }
}
