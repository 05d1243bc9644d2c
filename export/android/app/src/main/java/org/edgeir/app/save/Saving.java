package org.edgeir.app.save;

import android.Manifest;
import android.content.Context;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.net.Uri;
import android.os.Build;
import java.io.IOException;
import org.edgeir.app.App;
import org.edgeir.app.Copying;
import org.edgeir.app.Errors;
import org.edgeir.app.R;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.RestoreException;

/** Saves results among the phone's pictures, and shares them. */
public final class Saving {
    private Saving() {}

    /** Whether the user has to be asked first. */
    public static boolean mustAsk(Context context) {
        return Build.VERSION.SDK_INT < 29
                && context.checkSelfPermission(Manifest.permission.WRITE_EXTERNAL_STORAGE)
                        != PackageManager.PERMISSION_GRANTED;
    }

    /** Why a job's result cannot be saved as JPEG, for the screen; null: it can. */
    public static String jpegProblem(Context context, Job job) {
        return Jpeg.problem(context, job);
    }

    /**
     * Saves a finished job's result: as PNG it is copied, and is never whole in memory.
     *
     * @throws IOException it cannot be written; nothing is left of it
     */
    public static void save(Context context, Job job, boolean jpeg) throws IOException {
        if (!job.result().isFile()) throw new RestoreException(context.getString(R.string.result_gone));
        String problem = jpeg ? Jpeg.problem(context, job) : null;
        if (problem != null) throw new RestoreException(problem);
        String name = jpeg ? Names.jpeg(job) : Names.png(job);
        Gallery.add(context, name, jpeg ? "image/jpeg" : "image/png", out -> {
            if (jpeg) Jpeg.write(context, job, out);
            else Copying.copy(job.result(), out);
        });
        App.of(context).queue().saved(job, context.getString(R.string.saved_as, Gallery.folder(context), name));
    }

    /** Saves all results that were not saved yet as PNG, until one fails; what to say of it. */
    public static String saveAll(Context context) {
        int saved = 0;
        for (Job job : App.of(context).queue().all()) {
            if (job.state() != Job.State.DONE || !job.saved().isEmpty()) continue;
            try {
                save(context, job, false);
                saved++;
            } catch (IOException | RuntimeException error) {
                return Errors.words(context, error);
            }
        }
        return context.getResources().getQuantityString(R.plurals.saved_all, saved, saved, Gallery.folder(context));
    }

    /** An intent that lets the user choose an app for a finished job's result. */
    public static Intent share(Context context, Job job) {
        return share(context, SharedFiles.of(context, job), "image/png");
    }

    /** The same for any of the app's shared files. */
    public static Intent share(Context context, Uri uri, String type) {
        Intent send = new Intent(Intent.ACTION_SEND)
                .setType(type)
                .putExtra(Intent.EXTRA_STREAM, uri)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
        send.setClipData(android.content.ClipData.newRawUri("", uri));
        return Intent.createChooser(send, context.getString(R.string.share));
    }
}
