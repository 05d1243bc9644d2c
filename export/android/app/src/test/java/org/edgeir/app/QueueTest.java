package org.edgeir.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Notification;
import android.app.NotificationManager;
import android.content.ContextWrapper;
import android.content.Intent;
import android.os.Build;
import android.view.View;
import android.widget.TextView;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.Queue;
import org.junit.Test;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;

/** Many photos: chosen, shared meanwhile, cancelled; rotation; the end of the process; a full phone. */
public class QueueTest extends AppTest {
    @Test
    public void chosenPhotosAreRestoredAndMoreMaySharedMeanwhile() throws Exception {
        ActivityController<MainActivity> app = user.open();
        user.choose(app.get(), photo("one.png", 300, 200), photo("two.png", 40, 30));
        user.until("one does not run", () -> job("one.png") != null && job("one.png").permille() > 0);
        assertEquals(Job.State.RUNNING, job("one.png").state());
        assertNotNull("the part that is done is not shown", User.queue().preview(job("one.png")));
        assertEquals(Job.State.WAITING, job("two.png").state());
        app.newIntent(User.share(photo("three.png", 50, 20)));
        user.until("three does not come", () -> job("three.png") != null);
        // Turned on its side while it runs: nothing is begun again.
        RuntimeEnvironment.setQualifiers("+land");
        app.configurationChange();
        assertEquals(3, User.queue().all().size());
        user.untilFinished();
        for (String name : new String[] {"one.png", "two.png", "three.png"})
            assertEquals(User.states(), Job.State.DONE, job(name).state());
        assertEquals(3, User.queue().all().size());
        View row = User.row(app.get(), 2);
        assertEquals("one.png", ((TextView) row.findViewById(R.id.job_name)).getText().toString());
        assertEquals(
                "Done: 1200×800 pixels, not saved yet",
                ((TextView) row.findViewById(R.id.job_state)).getText().toString());
        assertTrue(job("one.png").verdict(), job("one.png").verdict().contains("right on the golden image"));
    }

    @Test
    public void theServiceIsInTheForegroundWithProgressAndCancel() throws Exception {
        ActivityController<MainActivity> app = user.open();
        user.choose(app.get(), photo("one.png", 300, 300), photo("two.png", 300, 300));
        user.until("one does not run", () -> job("one.png") != null && job("one.png").permille() > 100);
        NotificationManager manager = app.get().getSystemService(NotificationManager.class);
        Notification notice = shadowOf(user.service()).getLastForegroundNotification();
        assertNotNull(notice);
        if (Build.VERSION.SDK_INT >= 29) assertTrue(user.service().getForegroundServiceType() != 0);
        user.until("no progress is shown", () -> {
            Notification now = shadowOf(manager).getNotification(1);
            return now != null && now.extras.getInt(Notification.EXTRA_PROGRESS) > 0;
        });
        Notification now = shadowOf(manager).getNotification(1);
        assertEquals("one.png", now.extras.getString(Notification.EXTRA_TITLE));
        assertEquals("2 photos to do", now.extras.getString(Notification.EXTRA_TEXT));
        Intent cancel = shadowOf(now.actions[0].actionIntent).getSavedIntent();
        user.service().onStartCommand(cancel, 0, 99);
        user.untilFinished();
        for (Job job : User.queue().all()) {
            assertEquals(Job.State.CANCELLED, job.state());
            assertFalse(job.result().exists());
            assertFalse(new File(job.result().getPath() + ".part").exists());
        }
        assertTrue(shadowOf(user.service()).isForegroundStopped());
    }

    @Test
    public void oneIsCancelledAndRestoredAgainAfterwards() throws Exception {
        ActivityController<MainActivity> app = user.open();
        user.choose(app.get(), photo("one.png", 300, 300), photo("two.png", 40, 40));
        user.until("one does not run", () -> job("one.png") != null && job("one.png").permille() > 0);
        User.row(app.get(), 1).findViewById(R.id.job_close).performClick();
        user.untilFinished();
        assertEquals(Job.State.CANCELLED, job("one.png").state());
        assertEquals(Job.State.DONE, job("two.png").state());
        User.row(app.get(), 1).findViewById(R.id.job_again).performClick();
        user.startService();
        user.untilFinished();
        assertEquals(Job.State.DONE, job("one.png").state());
        Job gone = job("one.png");
        View row = User.row(app.get(), 0);
        user.untilReadersEnd();
        row.findViewById(R.id.job_close).performClick();
        assertFalse(gone.folder.exists());
        assertEquals(1, User.queue().all().size());
    }

    @Test
    public void whatTheEndOfTheProcessLeavesIsListed() throws Exception {
        user.open(User.share(photo("one.png", 40, 40), photo("two.png", 300, 300), photo("three.png", 40, 40)));
        user.until("two does not run", () -> job("two.png") != null && job("two.png").permille() > 0);
        // What lies on the disk now is what is left when Android ends the process now.
        File left = folder.newFolder();
        copy(User.app().getFilesDir().toPath(), left.toPath());
        user.untilFinished();
        ContextWrapper restarted = new ContextWrapper(User.app()) {
            @Override
            public File getFilesDir() {
                return left;
            }
        };
        Queue queue = new Queue(restarted);
        assertEquals(3, queue.all().size());
        for (Job job : queue.all()) {
            boolean first = job.name.equals("one.png");
            assertEquals(job.name, first ? Job.State.DONE : Job.State.NOT_DONE, job.state());
            assertEquals(job.name, first, job.result().isFile());
            assertTrue(job.photo().isFile());
            if (!first) assertTrue(JobWords.state(restarted, job).startsWith("Not done: the app was ended before."));
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<Path>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes facts) throws IOException {
                Files.createDirectories(to.resolve(from.relativize(folder)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes facts) throws IOException {
                Files.copy(file, to.resolve(from.relativize(file)));
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Test
    public void aFullPhoneIsSaidAndTheOthersGoOn() throws Exception {
        user.open(User.share(photo("one.png", 300, 300), photo("two.png", 40, 40), photo("three.png", 40, 40)));
        user.until("one does not run", () -> job("three.png") != null && job("one.png").permille() > 0);
        user.until("two is not copied", () -> job("two.png").photo().isFile());
        // Whatever is written there fails as on a full phone.
        Path part = new File(job("two.png").result().getPath() + ".part").toPath();
        Files.createSymbolicLink(part, new File("/dev/full").toPath());
        user.untilFinished();
        assertEquals(Job.State.FAILED, job("two.png").state());
        assertEquals(
                "The phone’s storage is full: remove something, then try again.",
                job("two.png").message());
        assertFalse(Files.exists(part, java.nio.file.LinkOption.NOFOLLOW_LINKS));
        assertEquals(Job.State.DONE, job("one.png").state());
        assertEquals(Job.State.DONE, job("three.png").state());
    }

    @Test
    public void aPhotoThatMayNotBeReadAnyMoreIsSaid() throws Exception {
        android.net.Uri one = photo("one.png", 20, 20);
        OtherApp.revoke();
        user.open(User.share(one));
        user.untilFinished();
        assertEquals(Job.State.FAILED, job("one.png").state());
        assertEquals(
                "The other app does not let this app read the photo any more: choose it again.",
                job("one.png").message());
    }

    @Test
    public void androidsTimeLimitLeavesTheRestAsNotDone() throws Exception {
        user.open(User.share(photo("one.png", 300, 300), photo("two.png", 40, 40)));
        user.until("one does not run", () -> job("two.png") != null && job("one.png").permille() > 0);
        user.service().onTimeout(1, 0);
        user.until("one does not stop", () -> !job("one.png").open());
        assertEquals(Job.State.NOT_DONE, job("two.png").state());
        assertEquals(Job.State.NOT_DONE, job("one.png").state());
    }
}
