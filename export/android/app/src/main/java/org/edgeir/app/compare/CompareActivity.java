package org.edgeir.app.compare;

import android.Manifest;
import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.RectF;
import android.os.Bundle;
import android.os.Handler;
import android.os.Looper;
import android.widget.Button;
import android.widget.ProgressBar;
import android.widget.SeekBar;
import android.widget.TextView;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.edgeir.app.App;
import org.edgeir.app.Errors;
import org.edgeir.app.JobWords;
import org.edgeir.app.R;
import org.edgeir.app.Screen;
import org.edgeir.app.photo.Photo;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.Queue;
import org.edgeir.app.save.Saving;

/** One job: before and after, also while it runs; what was found of the model; save and share. */
public final class CompareActivity extends Activity implements Queue.Listener, CompareView.Listener {
    /** The job's id. */
    public static final String JOB = "job";

    private static final String SPLIT = "split";
    private static final String MESSAGE = "message";
    private static final int PNG = 1;
    private static final int JPEG = 2;
    /** Of the photo on the screen, in pixels; more is decoded where the view is enlarged. */
    private static final int SIDE = 2048;
    /** After the last movement, in milliseconds. */
    private static final long PAUSE = 200;

    private final Handler main = new Handler(Looper.getMainLooper());
    private final Runnable sharpen = this::sharpen;
    private Queue queue;
    private Job job;
    private CompareView view;
    private SeekBar slider;
    private TextView message;
    private Bitmap before;
    private Bitmap after;
    private boolean whole;
    private List<Layer> details = new ArrayList<>();

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.compare);
        Screen.insideBars(this);
        queue = App.of(this).queue();
        job = queue.find(getIntent().getStringExtra(JOB));
        findViewById(R.id.back).setOnClickListener(clicked -> finish());
        view = findViewById(R.id.compare);
        view.setListener(this);
        slider = findViewById(R.id.split);
        message = findViewById(R.id.message);
        if (job == null) {
            finish(); // it was removed
            return;
        }
        ((TextView) findViewById(R.id.bar_title)).setText(job.name);
        view.setContentDescription(getString(R.string.compare_about, job.name));
        slider.setOnSeekBarChangeListener(new Slider());
        slider.setProgress(state == null ? 500 : state.getInt(SPLIT));
        view.setSplit(slider.getProgress() / 1000f);
        if (state != null) Screen.say(message, state.getString(MESSAGE, ""));
        findViewById(R.id.save_png).setOnClickListener(clicked -> save(false));
        findViewById(R.id.save_jpeg).setOnClickListener(clicked -> save(true));
        findViewById(R.id.share).setOnClickListener(clicked -> startActivity(Saving.share(this, job)));
        findViewById(R.id.cancel).setOnClickListener(clicked -> queue.cancel(job));
        App.of(this).background().execute(() -> {
            Bitmap bitmap = Photo.thumbnail(job.photo(), SIDE);
            main.post(() -> {
                before = bitmap;
                draw();
            });
        });
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putInt(SPLIT, slider.getProgress());
        state.putString(MESSAGE, message.getText().toString());
    }

    @Override
    protected void onStart() {
        super.onStart();
        if (job == null) return;
        queue.listen(this);
        changed();
    }

    @Override
    protected void onStop() {
        queue.unlisten(this);
        main.removeCallbacks(sharpen);
        super.onStop();
    }

    @Override
    public void changed() {
        boolean done = job.state() == Job.State.DONE;
        Screen.say((TextView) findViewById(R.id.state), JobWords.state(this, job));
        Screen.say((TextView) findViewById(R.id.words), JobWords.details(this, job));
        ProgressBar progress = findViewById(R.id.progress);
        progress.setProgress(job.permille());
        Screen.show(progress, job.state() == Job.State.RUNNING);
        Screen.show(findViewById(R.id.cancel), job.open());
        Screen.show(findViewById(R.id.actions), done);
        if (done) offerJpeg();
        if (job.width() > 0) view.setSize(job.width(), job.height());
        if (!whole) {
            Bitmap partial = queue.preview(job);
            if (partial != null) after = partial;
            if (done) loadPreview();
        }
        draw();
    }

    /** Whether a JPEG is possible is said before it starts. */
    private void offerJpeg() {
        String problem = Saving.jpegProblem(this, job);
        Button jpeg = findViewById(R.id.save_jpeg);
        jpeg.setEnabled(problem == null);
        if (problem != null && message.length() == 0) Screen.say(message, problem);
    }

    private void loadPreview() {
        whole = true;
        App.of(this).background().execute(() -> {
            Bitmap bitmap = Photo.thumbnail(job.preview(), SIDE);
            main.post(() -> {
                if (bitmap != null) after = bitmap;
                if (bitmap != null && bitmap.hasAlpha() && message.length() == 0)
                    Screen.say(message, getString(R.string.jpeg_alpha));
                draw();
                moved();
            });
        });
    }

    private void draw() {
        RectF all = new RectF(0, 0, job.width(), job.height());
        List<Layer> left = new ArrayList<>();
        List<Layer> right = new ArrayList<>();
        if (before != null) left.add(new Layer(before, all));
        if (before != null && !whole) right.add(new Layer(before, all)); // where the result is not there yet
        if (after != null) right.add(new Layer(after, all));
        if (details.size() == 2) {
            if (details.get(0) != null) left.add(details.get(0));
            if (details.get(1) != null) right.add(details.get(1));
        }
        view.setLayers(left, right);
    }

    @Override
    public void split(float split) {
        slider.setProgress(Math.round(1000 * split));
    }

    @Override
    public void moved() {
        main.removeCallbacks(sharpen);
        main.postDelayed(sharpen, PAUSE);
    }

    /** Decodes what is visible where it is shown larger than the small image has it. */
    private void sharpen() {
        if (job.state() != Job.State.DONE || after == null || before == null) return;
        RectF visible = view.visible();
        float scale = view.scale();
        if (visible.isEmpty() || scale * job.width() <= after.getWidth()) {
            details = new ArrayList<>();
            draw();
            return;
        }
        App.of(this).background().execute(() -> {
            List<Layer> found = new ArrayList<>();
            float perPixel = Photo.uprightScale(job.photo(), job.width());
            found.add(perPixel == 0 ? null : Details.of(job.photo(), visible, perPixel, 1 / (scale * perPixel)));
            found.add(Details.of(job.result(), visible, 1, 1 / scale));
            main.post(() -> {
                details = found;
                draw();
            });
        });
    }

    private void save(boolean jpeg) {
        if (Saving.mustAsk(this)) {
            requestPermissions(new String[] {Manifest.permission.WRITE_EXTERNAL_STORAGE}, jpeg ? JPEG : PNG);
            return;
        }
        Screen.say(message, getString(R.string.saving));
        App app = App.of(this);
        app.background().execute(() -> {
            String words = "";
            try {
                Saving.save(app, job, jpeg);
            } catch (IOException | RuntimeException error) {
                words = Errors.words(app, error);
            }
            String said = words;
            main.post(() -> Screen.say(message, said));
        });
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
        if (Saving.mustAsk(this)) Screen.say(message, getString(R.string.must_allow));
        else save(request == JPEG);
    }

    private final class Slider implements SeekBar.OnSeekBarChangeListener {
        @Override
        public void onProgressChanged(SeekBar bar, int progress, boolean byUser) {
            view.setSplit(progress / 1000f);
        }

        @Override
        public void onStartTrackingTouch(SeekBar bar) {}

        @Override
        public void onStopTrackingTouch(SeekBar bar) {}
    }
}
