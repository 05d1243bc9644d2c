package org.edgeir.app;

import android.app.Application;
import android.content.Context;
import android.os.Build;
import java.io.File;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import org.edgeir.app.models.Models;
import org.edgeir.app.queue.Queue;
import org.edgeir.restorer.check.VerdictStore;

/** What the screens and the service share. */
public final class App extends Application {
    /** More interpreters than this need more memory than they save time. */
    private static final int MOST_CORES = 4;

    private final Executor background = Executors.newCachedThreadPool();
    private Models models;
    private Queue queue;
    private VerdictStore verdicts;

    public static App of(Context context) {
        return (App) context.getApplicationContext();
    }

    public synchronized Models models() {
        if (models == null) models = new Models(this);
        return models;
    }

    public synchronized Queue queue() {
        if (queue == null) queue = new Queue(this);
        return queue;
    }

    /** What the golden images found on this phone. */
    public synchronized VerdictStore verdicts() {
        if (verdicts == null) verdicts = new VerdictStore(new File(getFilesDir(), "verdicts"), Build.FINGERPRINT);
        return verdicts;
    }

    /** For everything that reads or writes files. */
    public Executor background() {
        return background;
    }

    /** Half of the cores, as the other half are slow ones on most phones; one to four. */
    public static int fastCores() {
        return Math.max(1, Math.min(MOST_CORES, Runtime.getRuntime().availableProcessors() / 2));
    }
}
