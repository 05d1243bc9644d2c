package org.edgeir.app.queue;

import android.content.Context;
import android.graphics.Bitmap;
import android.os.Handler;
import android.os.Looper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import org.edgeir.app.Errors;
import org.edgeir.app.R;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;
import org.edgeir.tflite.Accelerator;

/** All jobs of the app, also those of before its last start. May be used by any thread. */
public final class Queue {
    /** Hears of changes, on the main thread. */
    public interface Listener {
        /** Jobs came, went, or changed their state; or one went on. */
        void changed();
    }

    private final Context context;
    private final JobFiles files;
    private final List<Job> jobs;
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final Handler main = new Handler(Looper.getMainLooper());
    private final Runnable tell = () -> {
        for (Listener listener : listeners) listener.changed();
    };
    private int count;
    private volatile Preview preview;

    /** Reads what the last process left: what was not finished then is not done. */
    public Queue(Context context) {
        this.context = context;
        files = new JobFiles(new File(context.getFilesDir(), "jobs"));
        jobs = files.read();
        for (Job job : jobs) {
            if (job.open()) become(job, Job.State.NOT_DONE, context.getString(R.string.app_ended));
            else if (job.state() == Job.State.DONE && !job.result().isFile())
                become(job, Job.State.FAILED, context.getString(R.string.result_gone));
        }
    }

    public void listen(Listener listener) {
        listeners.add(listener);
    }

    public void unlisten(Listener listener) {
        listeners.remove(listener);
    }

    /** The newest first. */
    public synchronized List<Job> all() {
        List<Job> newest = new ArrayList<>();
        for (Job job : jobs) newest.add(0, job);
        return newest;
    }

    /** Null: there is none. */
    public synchronized Job find(String id) {
        for (Job job : jobs) if (job.id.equals(id)) return job;
        return null;
    }

    /** A new job, at the end of the queue. */
    synchronized Job add(String name, Model model, Accelerator accelerator) {
        String id = String.format(Locale.ROOT, "%013d-%04d", System.currentTimeMillis(), count++);
        String title = Descriptions.title(context, model);
        Job.State waiting = Job.State.WAITING;
        Job job = new Job(id, files.folder(id), name, model.key(), title, accelerator.name(), waiting);
        jobs.add(job);
        become(job, waiting, "");
        return job;
    }

    /** The next one whose photo is there; null: there is none. */
    synchronized Job next() {
        for (Job job : jobs) if (job.state() == Job.State.WAITING && job.photo().isFile()) return job;
        return null;
    }

    /** Number of jobs that wait or run. */
    public synchronized int open() {
        int open = 0;
        for (Job job : jobs) if (job.open()) open++;
        return open;
    }

    /** Stops a job; one that runs stops at its next tile. */
    public synchronized void cancel(Job job) {
        job.cancel();
        if (job.state() == Job.State.WAITING) become(job, Job.State.CANCELLED, "");
    }

    synchronized void cancelAll() {
        for (Job job : jobs) if (job.open()) cancel(job);
    }

    /** Stops everything, for a reason that is not the user's. */
    synchronized void interrupt(String reason) {
        for (Job job : jobs) {
            if (!job.open()) continue;
            job.interrupt(reason);
            if (job.state() == Job.State.WAITING) become(job, Job.State.NOT_DONE, reason);
        }
    }

    /** Puts a finished job into the queue again. */
    synchronized void again(Job job) {
        if (job.open()) return;
        jobs.remove(job);
        jobs.add(job);
        job.setVerdict("", new ArrayList<>());
        job.setSaved("");
        job.result().delete();
        become(job, Job.State.WAITING, "");
    }

    /** Forgets a finished job, with its files. */
    public synchronized void remove(Job job) {
        if (job.open()) return;
        jobs.remove(job);
        files.delete(job);
        changed();
    }

    /** Where the job was saved, for people. */
    public void saved(Job job, String where) {
        job.setSaved(where);
        become(job, job.state(), job.message());
    }

    /** The part of a running job's result that is there; null: nothing is. */
    public Bitmap preview(Job job) {
        Preview current = preview;
        return current != null && current.job == job ? current.bitmap() : null;
    }

    void setPreview(Preview preview) {
        this.preview = preview;
    }

    synchronized void become(Job job, Job.State state, String message) {
        job.become(state, message);
        try {
            files.write(job);
        } catch (IOException error) {
            if (message.isEmpty() && state == Job.State.WAITING)
                job.become(Job.State.FAILED, Errors.words(context, error));
        }
        changed();
    }

    /** Tells the listeners, once for many changes. */
    void changed() {
        main.removeCallbacks(tell);
        main.post(tell);
    }
}
