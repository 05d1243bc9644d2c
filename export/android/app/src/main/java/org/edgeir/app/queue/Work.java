package org.edgeir.app.queue;

import android.content.Context;
import android.graphics.Bitmap;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.edgeir.app.App;
import org.edgeir.app.Errors;
import org.edgeir.app.R;
import org.edgeir.app.Settings;
import org.edgeir.app.models.Model;
import org.edgeir.app.photo.Photo;
import org.edgeir.restorer.CancelledException;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.RestoreException;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.pixels.PngSink;
import org.edgeir.tflite.Engines;

/** Restores the photos of jobs, one at a time; the engines stay loaded from one to the next of the same model. */
final class Work implements Closeable {
    /** Of deflate: results are large, and are written while the next strip is computed. */
    private static final int LEVEL = 4;

    private static final int BUFFER = 1 << 18;

    private final Context context;
    private final Queue queue;
    /** Model and accelerator of the engines. */
    private String loaded;

    private Bundle bundle;
    private Engines engines;

    Work(Context context, Queue queue) {
        this.context = context;
        this.queue = queue;
    }

    /** Ends in any case with the job in a state that is final. */
    void run(Job job) {
        queue.become(job, Job.State.RUNNING, "");
        try {
            restore(job);
            queue.become(job, Job.State.DONE, "");
        } catch (CancelledException error) {
            String reason = job.interruption();
            queue.become(job, reason.isEmpty() ? Job.State.CANCELLED : Job.State.NOT_DONE, reason);
        } catch (IOException | RuntimeException | OutOfMemoryError | LinkageError error) {
            queue.become(job, Job.State.FAILED, Errors.words(context, error));
        } finally {
            queue.setPreview(null);
        }
    }

    private void restore(Job job) throws IOException {
        File part = new File(job.result().getPath() + ".part");
        boolean done = false;
        try (Photo photo = Photo.open(context, job.photo())) {
            load(job);
            byte[] exif = exif(job, photo);
            try (OutputStream file = new FileOutputStream(part);
                    OutputStream out = new BufferedOutputStream(file, BUFFER)) {
                Preview preview = new Preview(job, new PngSink(out, photo.icc(), exif, LEVEL), photo, queue::changed);
                queue.setPreview(preview);
                Options options = Options.standard().withTile(TileSide.of(context, engines));
                engines.restorer(options).restore(photo, preview, new Hearing(job));
                job.setVerdict(engines.verdict().sentence(), job.notes());
                keep(preview.bitmap(), photo.hasAlpha(), job.preview());
            }
            if (!part.renameTo(job.result()))
                throw new IOException(context.getString(R.string.cannot_keep, job.result().getName()));
            done = true;
        } finally {
            if (!done) part.delete();
        }
    }

    private byte[] exif(Job job, Photo photo) throws IOException {
        int scale = bundle.manifest.facts.scale;
        job.setSize(Math.multiplyExact(photo.width(), scale), Math.multiplyExact(photo.height(), scale));
        byte[] exif = photo.exif(Settings.of(context).keepsLocation(), job.width(), job.height());
        job.exif().delete();
        if (exif != null) {
            try (OutputStream out = new FileOutputStream(job.exif())) {
                out.write(exif);
            }
        }
        return exif;
    }

    private static void keep(Bitmap preview, boolean alpha, File file) throws IOException {
        preview.setHasAlpha(alpha);
        try (OutputStream out = new FileOutputStream(file)) {
            preview.compress(Bitmap.CompressFormat.PNG, 100, out);
        }
    }

    private void load(Job job) throws IOException {
        String wanted = job.model + " " + job.accelerator;
        if (!wanted.equals(loaded)) {
            close();
            App app = App.of(context);
            Model model = app.models().find(job.model);
            if (model == null) throw new RestoreException(context.getString(R.string.model_gone, job.modelTitle));
            bundle = app.models().open(model);
            engines = Engines.open(
                    bundle, model.file, Settings.accelerator(job.accelerator), App.fastCores(), app.verdicts());
            loaded = wanted;
        }
        job.setVerdict(engines.verdict().sentence(), engines.notes());
        queue.changed();
    }

    @Override
    public void close() {
        loaded = null;
        if (engines != null) engines.close();
        engines = null;
        try {
            if (bundle != null) bundle.close();
        } catch (IOException error) {
            // it was read only
        }
        bundle = null;
    }

    private final class Hearing implements Watcher {
        private final Job job;

        Hearing(Job job) {
            this.job = job;
        }

        @Override
        public void progress(int done, int total) {
            job.setPermille(total == 0 ? 0 : (int) (1000L * done / total));
            queue.changed();
        }

        @Override
        public boolean cancelled() {
            return job.cancelled();
        }

        @Override
        public void note(String what) {
            job.note(what);
            queue.changed();
        }
    }
}
