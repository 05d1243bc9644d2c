package org.edgeir.app.bench;

import android.content.Context;
import android.os.Handler;
import android.os.Looper;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.edgeir.app.App;
import org.edgeir.app.Errors;
import org.edgeir.app.models.Model;
import org.edgeir.app.save.SharedFiles;
import org.edgeir.restorer.CancelledException;
import org.edgeir.tflite.Accelerator;
import org.json.JSONException;

/** The benchmark that runs, or ran last; it outlives a rotation of the screen. Used on the main thread. */
final class Run implements Benchmark.Watcher {
    private static Run last;

    private final Handler main = new Handler(Looper.getMainLooper());
    private final Model model;
    private Runnable changed;
    private volatile boolean cancelled;
    private volatile int permille;
    private boolean over;
    private Measured found;
    private String file;
    private String error = "";

    private Run(Model model) {
        this.model = model;
    }

    /** Null: there was none since the app was started. */
    static Run last() {
        return last;
    }

    /** Begins one. */
    static Run begin(Context context, Model model, Accelerator accelerator, double minutes) {
        Run run = new Run(model);
        last = run;
        App app = App.of(context);
        app.background().execute(() -> run.work(app, accelerator, minutes));
        return run;
    }

    private void work(App app, Accelerator accelerator, double minutes) {
        Measured measured = null;
        String name = null;
        String wrong = "";
        try {
            measured = new Benchmark(app, model, accelerator, minutes, this).run();
            name = keep(app, measured);
        } catch (CancelledException stopped) {
            measured = null;
        } catch (IOException | RuntimeException | OutOfMemoryError | LinkageError failure) {
            wrong = Errors.words(app, failure);
        }
        Measured seen = measured;
        String kept = name;
        String words = wrong;
        main.post(() -> {
            over = true;
            found = seen;
            file = kept;
            error = words;
            tell();
        });
    }

    private String keep(Context context, Measured measured) throws IOException {
        File folder = SharedFiles.benchmarks(context);
        if (!folder.isDirectory() && !folder.mkdirs()) throw new IOException(folder.getName());
        long now = System.currentTimeMillis();
        String name = ResultJson.fileName(model, measured, now);
        File part = new File(folder, name + ".part");
        try (OutputStream out = new FileOutputStream(part)) {
            out.write(ResultJson.of(context, model, measured, now)
                    .toString(1)
                    .getBytes(StandardCharsets.UTF_8));
        } catch (JSONException error) {
            throw new IOException(error);
        }
        if (!part.renameTo(new File(folder, name))) throw new IOException(name);
        return name;
    }

    /** Who hears of changes; null: nobody. */
    void listen(Runnable changed) {
        this.changed = changed;
    }

    Model model() {
        return model;
    }

    boolean over() {
        return over;
    }

    /** Null: it is not over, was stopped, or failed. */
    Measured found() {
        return found;
    }

    /** The name of its file, to be shared; null as before. */
    String file() {
        return file;
    }

    /** Empty: none. */
    String error() {
        return error;
    }

    int permille() {
        return permille;
    }

    void cancel() {
        cancelled = true;
    }

    @Override
    public boolean cancelled() {
        return cancelled;
    }

    @Override
    public void progress(int permille) {
        if (permille == this.permille) return;
        this.permille = permille;
        main.post(this::tell);
    }

    private void tell() {
        if (changed != null) changed.run();
    }
}
