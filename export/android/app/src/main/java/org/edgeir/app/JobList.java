package org.edgeir.app;

import android.app.Activity;
import android.content.Intent;
import android.view.View;
import android.view.ViewGroup;
import android.widget.BaseAdapter;
import android.widget.ImageButton;
import android.widget.ImageView;
import android.widget.ProgressBar;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.List;
import org.edgeir.app.compare.CompareActivity;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.Queue;
import org.edgeir.app.queue.RestoreService;

/** The rows of the queue, the newest first. */
final class JobList extends BaseAdapter {
    private final Activity activity;
    private final Queue queue;
    private final Thumbnails thumbnails;
    private List<Job> jobs = new ArrayList<>();

    JobList(Activity activity) {
        this.activity = activity;
        queue = App.of(activity).queue();
        thumbnails = new Thumbnails(App.of(activity).background());
    }

    void update() {
        jobs = queue.all();
        notifyDataSetChanged();
    }

    @Override
    public int getCount() {
        return jobs.size();
    }

    @Override
    public Job getItem(int position) {
        return jobs.get(position);
    }

    @Override
    public long getItemId(int position) {
        return position;
    }

    @Override
    public View getView(int position, View old, ViewGroup parent) {
        View view = old != null ? old : activity.getLayoutInflater().inflate(R.layout.job, parent, false);
        Job job = jobs.get(position);
        thumbnails.into((ImageView) view.findViewById(R.id.job_image), job);
        ((TextView) view.findViewById(R.id.job_name)).setText(job.name);
        ((TextView) view.findViewById(R.id.job_state)).setText(JobWords.state(activity, job));
        ProgressBar progress = view.findViewById(R.id.job_progress);
        Screen.show(progress, job.state() == Job.State.RUNNING);
        progress.setProgress(job.permille());
        View row = view.findViewById(R.id.job);
        boolean shown = job.state() == Job.State.RUNNING || job.state() == Job.State.DONE;
        row.setOnClickListener(shown ? clicked -> open(job) : null);
        row.setClickable(shown);
        ImageButton again = view.findViewById(R.id.job_again);
        Screen.show(again, !job.open() && job.state() != Job.State.DONE && job.photo().isFile());
        again.setContentDescription(activity.getString(R.string.again_named, job.name));
        again.setOnClickListener(clicked -> RestoreService.again(activity, job));
        ImageButton close = view.findViewById(R.id.job_close);
        close.setContentDescription(
                activity.getString(job.open() ? R.string.cancel_named : R.string.remove_named, job.name));
        close.setOnClickListener(clicked -> {
            if (job.open()) queue.cancel(job);
            else queue.remove(job);
        });
        return view;
    }

    private void open(Job job) {
        activity.startActivity(new Intent(activity, CompareActivity.class).putExtra(CompareActivity.JOB, job.id));
    }
}
