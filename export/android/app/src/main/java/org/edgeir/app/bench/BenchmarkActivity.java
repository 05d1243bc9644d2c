package org.edgeir.app.bench;

import android.app.Activity;
import android.os.Bundle;
import android.view.WindowManager;
import android.widget.ArrayAdapter;
import android.widget.Button;
import android.widget.ProgressBar;
import android.widget.Spinner;
import android.widget.TextView;
import org.edgeir.app.App;
import org.edgeir.app.R;
import org.edgeir.app.Screen;
import org.edgeir.app.Settings;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;
import org.edgeir.app.save.Saving;
import org.edgeir.app.save.SharedFiles;

/** Times the chosen model on the chosen accelerator, and shares what it found as one JSON. */
public final class BenchmarkActivity extends Activity {
    private static final int[] MINUTES = {0, 1, 5, 15};

    private Model model;
    private Spinner minutes;
    private TextView message;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.benchmark);
        Screen.insideBars(this);
        model = App.of(this).models().chosen(Settings.of(this).model());
        findViewById(R.id.back).setOnClickListener(view -> finish());
        ((TextView) findViewById(R.id.bar_title)).setText(R.string.benchmark);
        TextView title = findViewById(R.id.benchmark_model);
        TextView about = findViewById(R.id.benchmark_about);
        title.setText(model == null ? getString(R.string.no_model_title) : Descriptions.title(this, model));
        String runs = Settings.of(this).accelerator().title;
        about.setText(model == null ? getString(R.string.no_model) : getString(R.string.benchmark_on, runs));
        message = findViewById(R.id.message);
        minutes = findViewById(R.id.minutes);
        String[] titles = new String[MINUTES.length];
        for (int index = 0; index < titles.length; index++)
            titles[index] = MINUTES[index] == 0
                    ? getString(R.string.minutes_none)
                    : getResources().getQuantityString(R.plurals.minutes, MINUTES[index], MINUTES[index]);
        ArrayAdapter<String> adapter = new ArrayAdapter<>(this, android.R.layout.simple_spinner_item, titles);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        minutes.setAdapter(adapter);
        findViewById(R.id.start).setOnClickListener(view -> startOrStop());
        findViewById(R.id.share).setOnClickListener(view -> startActivity(Saving.share(
                this, SharedFiles.ofBenchmark(this, Run.last().file()), "application/json")));
    }

    @Override
    protected void onStart() {
        super.onStart();
        if (Run.last() != null) Run.last().listen(this::show);
        show();
    }

    @Override
    protected void onStop() {
        if (Run.last() != null) Run.last().listen(null);
        super.onStop();
    }

    private void startOrStop() {
        Run run = Run.last();
        if (run != null && !run.over()) {
            run.cancel();
            return;
        }
        if (App.of(this).queue().open() > 0) {
            Screen.say(message, getString(R.string.benchmark_wait));
            return;
        }
        int chosen = MINUTES[minutes.getSelectedItemPosition()];
        Run.begin(this, model, Settings.of(this).accelerator(), chosen).listen(this::show);
        show();
    }

    private void show() {
        Run run = Run.last();
        boolean running = run != null && !run.over();
        Button start = findViewById(R.id.start);
        start.setText(running ? R.string.stop : R.string.start);
        start.setEnabled(model != null);
        minutes.setEnabled(!running);
        ProgressBar progress = findViewById(R.id.progress);
        Screen.show(progress, running);
        findViewById(R.id.share).setEnabled(run != null && run.file() != null);
        // A phone whose screen goes dark slows down.
        if (running) getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        else getWindow().clearFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        if (run != null) progress.setProgress(run.permille());
        Screen.say(message, run == null ? "" : run.error());
        TextView figures = findViewById(R.id.figures);
        Screen.say(figures, run == null || run.found() == null ? "" : Figures.of(this, run.model(), run.found()));
    }
}
