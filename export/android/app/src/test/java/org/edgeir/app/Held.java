package org.edgeir.app;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.edgeir.app.queue.Job;

/** A job that is held in the middle: what it writes goes into a pipe, which is read to a point, and then no more. */
final class Held {
    private final CountDownLatch release = new CountDownLatch(1);
    private final Thread reader;

    /** @param enough the job goes on until this is so, and is held then; its result was removed before */
    Held(Job job, BooleanSupplier enough) throws IOException, InterruptedException {
        File pipe = new File(job.result().getPath() + ".part");
        if (new ProcessBuilder("mkfifo", pipe.getPath()).start().waitFor() != 0) throw new IOException("no mkfifo");
        reader = new Thread(() -> {
            try (InputStream stream = new FileInputStream(pipe)) {
                byte[] chunk = new byte[1 << 13];
                while (!enough.getAsBoolean() && stream.read(chunk) >= 0) {}
                release.await();
                while (stream.read(chunk) >= 0) {}
            } catch (IOException | InterruptedException error) {
                throw new AssertionError(error);
            }
        });
        reader.setDaemon(true);
        reader.start();
    }

    void release() {
        release.countDown();
    }
}
