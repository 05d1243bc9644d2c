package org.edgeir.app;

import android.content.Context;
import org.edgeir.app.queue.Job;

/** Where a job stands, in words. */
public final class JobWords {
    private JobWords() {}

    public static String state(Context context, Job job) {
        switch (job.state()) {
            case RUNNING:
                return context.getString(R.string.state_running, job.permille() / 10);
            case DONE:
                return job.saved().isEmpty()
                        ? context.getString(R.string.state_done, job.width(), job.height())
                        : context.getString(R.string.state_saved, job.width(), job.height(), job.saved());
            case FAILED:
                return context.getString(R.string.state_failed, job.message());
            case CANCELLED:
                return context.getString(R.string.state_cancelled);
            case NOT_DONE:
                return context.getString(R.string.state_not_done, job.message());
            default:
                return context.getString(R.string.state_waiting);
        }
    }

    /** The model, the verdict, and the notes. */
    public static String details(Context context, Job job) {
        StringBuilder text = new StringBuilder(context.getString(R.string.run_by, job.modelTitle));
        if (!job.verdict().isEmpty()) text.append('\n').append(job.verdict());
        for (String note : job.notes()) text.append('\n').append(note);
        return text.toString();
    }
}
