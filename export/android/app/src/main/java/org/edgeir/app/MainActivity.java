package org.edgeir.app;

import android.Manifest;
import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.view.View;
import android.view.ViewGroup;
import android.widget.AdapterView;
import android.widget.ArrayAdapter;
import android.widget.ListView;
import android.widget.Spinner;
import android.widget.Switch;
import android.widget.TextView;
import java.io.IOException;
import java.util.List;
import org.edgeir.app.bench.BenchmarkActivity;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;
import org.edgeir.app.models.Opening;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.Queue;
import org.edgeir.app.queue.RestoreService;
import org.edgeir.app.save.Saving;
import org.edgeir.tflite.Accelerator;

/** The first screen: model, photos, and the queue. Photos and bundles of other apps arrive here. */
public final class MainActivity extends Activity implements Queue.Listener, ModelDialog.Owner {
    private static final int PHOTOS = 1;
    private static final int BUNDLE = 2;
    private static final int NOTIFICATIONS = 3;
    private static final int LOCATION = 4;
    private static final int STORAGE = 5;
    private static final String MESSAGE = "message";

    private Queue queue;
    private JobList jobs;
    private TextView message;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.main);
        Screen.insideBars(this);
        queue = App.of(this).queue();
        ListView list = findViewById(R.id.jobs);
        ViewGroup pane = findViewById(R.id.header_pane);
        View header = getLayoutInflater().inflate(R.layout.main_header, pane == null ? list : pane, false);
        if (pane == null) list.addHeaderView(header, null, false);
        else pane.addView(header);
        list.setItemsCanFocus(true);
        jobs = new JobList(this);
        list.setAdapter(jobs);
        message = findViewById(R.id.message);
        findViewById(R.id.model).setOnClickListener(view -> ModelDialog.show(getFragmentManager()));
        findViewById(R.id.choose).setOnClickListener(view -> ask(Incoming.choosePhotos(), PHOTOS));
        findViewById(R.id.open_bundle).setOnClickListener(view -> ask(Incoming.chooseBundle(), BUNDLE));
        findViewById(R.id.benchmark)
                .setOnClickListener(view -> startActivity(new Intent(this, BenchmarkActivity.class)));
        findViewById(R.id.cancel_all).setOnClickListener(view -> cancelAll());
        findViewById(R.id.save_all).setOnClickListener(view -> saveAll());
        setUpAccelerator();
        setUpLocation();
        if (state == null) arrive(getIntent());
        else Screen.say(message, state.getString(MESSAGE, ""));
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putString(MESSAGE, message.getText().toString());
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        setIntent(intent);
        arrive(intent);
    }

    @Override
    protected void onStart() {
        super.onStart();
        queue.listen(this);
        changed();
        showModel();
    }

    @Override
    protected void onStop() {
        queue.unlisten(this);
        super.onStop();
    }

    private void setUpAccelerator() {
        Spinner spinner = findViewById(R.id.accelerator);
        String[] titles = {
            getString(R.string.accelerator_cpu), getString(R.string.accelerator_gpu), getString(R.string.accelerator_nnapi)
        };
        ArrayAdapter<String> adapter = new ArrayAdapter<>(this, android.R.layout.simple_spinner_item, titles);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        spinner.setAdapter(adapter);
        spinner.setSelection(Settings.of(this).accelerator().ordinal());
        spinner.setOnItemSelectedListener(new AdapterView.OnItemSelectedListener() {
            @Override
            public void onItemSelected(AdapterView<?> parent, View view, int position, long id) {
                Settings.of(MainActivity.this).setAccelerator(Accelerator.values()[position]);
            }

            @Override
            public void onNothingSelected(AdapterView<?> parent) {}
        });
    }

    private void setUpLocation() {
        Switch location = findViewById(R.id.location);
        location.setChecked(Settings.of(this).keepsLocation());
        location.setOnCheckedChangeListener((view, keeps) -> {
            Settings.of(this).setKeepsLocation(keeps);
            if (keeps && Location.mustAsk(this))
                requestPermissions(new String[] {Manifest.permission.ACCESS_MEDIA_LOCATION}, LOCATION);
        });
    }

    @Override
    public void modelChanged() {
        showModel();
    }

    private void showModel() {
        Model model = App.of(this).models().chosen(Settings.of(this).model());
        TextView title = findViewById(R.id.model_title);
        TextView about = findViewById(R.id.model_about);
        title.setText(model == null ? getString(R.string.no_model_title) : Descriptions.title(this, model));
        about.setText(model == null ? getString(R.string.no_model) : Descriptions.about(this, model));
    }

    private void ask(Intent intent, int request) {
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException error) {
            Screen.say(message, getString(R.string.no_chooser));
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        if (result != RESULT_OK || data == null) return;
        if (request == PHOTOS) restore(Incoming.photos(this, data));
        else if (request == BUNDLE && data.getData() != null) open(data.getData());
    }

    private void arrive(Intent intent) {
        // From the list of recent apps Android hands over the same intent once more.
        if (intent == null || (intent.getFlags() & Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY) != 0) return;
        if (Incoming.shares(intent)) restore(Incoming.photos(this, intent));
        else if (Incoming.bundle(intent) != null) open(Incoming.bundle(intent));
    }

    private void restore(List<Uri> photos) {
        Screen.say(message, "");
        if (photos.isEmpty()) {
            Screen.say(message, getString(R.string.nothing_shared));
        } else if (App.of(this).models().all().isEmpty()) {
            Screen.say(message, getString(R.string.no_model));
        } else {
            try {
                RestoreService.add(this, photos);
                if (Incoming.mustAskForNotifications(this))
                    requestPermissions(new String[] {"android.permission.POST_NOTIFICATIONS"}, NOTIFICATIONS);
            } catch (SecurityException error) {
                Screen.say(message, getString(R.string.not_allowed));
            } catch (IllegalStateException error) { // begun while another app was in front
                Screen.say(message, getString(R.string.cannot_start));
            }
        }
    }

    private void open(Uri uri) {
        Screen.say(message, getString(R.string.opening));
        App app = App.of(this);
        app.background().execute(() -> {
            String words;
            Model opened = null;
            try {
                opened = Opening.take(app, app.models(), uri);
                words = app.getString(R.string.opened, Descriptions.title(app, opened));
                Settings.of(app).setModel(opened.key());
            } catch (IOException | RuntimeException error) {
                words = Errors.words(app, error);
            }
            String said = words;
            runOnUiThread(() -> {
                Screen.say(message, said);
                showModel();
            });
        });
    }

    private void cancelAll() {
        for (Job job : queue.all()) if (job.open()) queue.cancel(job);
    }

    private void saveAll() {
        if (Saving.mustAsk(this)) {
            requestPermissions(new String[] {Manifest.permission.WRITE_EXTERNAL_STORAGE}, STORAGE);
            return;
        }
        Screen.say(message, getString(R.string.saving));
        App app = App.of(this);
        app.background().execute(() -> {
            String words = Saving.saveAll(app);
            runOnUiThread(() -> Screen.say(message, words));
        });
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
        if (request == STORAGE && !Saving.mustAsk(this)) saveAll();
        else if (request == STORAGE) Screen.say(message, getString(R.string.must_allow));
    }

    @Override
    public void changed() {
        jobs.update();
        int unsaved = 0;
        for (Job job : queue.all()) if (job.state() == Job.State.DONE && job.saved().isEmpty()) unsaved++;
        findViewById(R.id.cancel_all).setEnabled(queue.open() > 0);
        findViewById(R.id.save_all).setEnabled(unsaved > 0);
        Screen.show(findViewById(R.id.many), queue.open() > 1 || unsaved > 1);
    }
}
