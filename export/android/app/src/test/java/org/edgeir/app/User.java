package org.edgeir.app;

import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.content.ClipData;
import android.content.Intent;
import android.net.Uri;
import android.os.Looper;
import android.view.View;
import android.widget.ListView;
import android.widget.TextView;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.Queue;
import org.edgeir.app.queue.RestoreService;
import org.edgeir.restorer.TestData;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.android.controller.ServiceController;

/** Who uses the app, and the part of Android that starts its service. */
public final class User {
    private static final long MOST_SECONDS = 300;

    private ServiceController<RestoreService> service;
    private int starts;

    /** Skips the test where TensorFlow Lite's library or the bundles are missing. */
    public static void needsModels() {
        File library = new File(System.getProperty("edgeir.data"), "native/libbionic.so");
        assumeTrue(library + " is not there: make android (Linux on x86-64)", library.isFile());
        TestData.made("bundles/sr-x4-xs");
        Settings.of(app()).setModel("app:sr-x4-xs/tflite-int8-64x64.tflite");
    }

    public static App app() {
        return (App) RuntimeEnvironment.getApplication();
    }

    public static Queue queue() {
        return app().queue();
    }

    /** Opens the app from the launcher. */
    ActivityController<MainActivity> open() {
        return open(new Intent(Intent.ACTION_MAIN));
    }

    public ActivityController<MainActivity> open(Intent intent) {
        intent.setClass(app(), MainActivity.class);
        return Robolectric.buildActivity(MainActivity.class, intent).setup();
    }

    public static Intent share(Uri... photos) {
        if (photos.length == 1)
            return new Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, photos[0]);
        return new Intent(Intent.ACTION_SEND_MULTIPLE)
                .setType("image/*")
                .putParcelableArrayListExtra(Intent.EXTRA_STREAM, new ArrayList<>(Arrays.asList(photos)));
    }

    /** Presses "Choose photos", and chooses these in the system's dialog. */
    void choose(MainActivity activity, Uri... photos) {
        click(activity, R.id.choose);
        Intent asked = shadowOf(activity).getNextStartedActivityForResult().intent;
        assertTrue(asked.toString(), asked.getBooleanExtra(Intent.EXTRA_ALLOW_MULTIPLE, false));
        Intent answer = new Intent();
        if (photos.length == 1) answer.setData(photos[0]);
        else {
            ClipData clip = ClipData.newRawUri("", photos[0]);
            for (int index = 1; index < photos.length; index++) clip.addItem(new ClipData.Item(photos[index]));
            answer.setClipData(clip);
        }
        shadowOf(activity).receiveResult(asked, Activity.RESULT_OK, answer);
    }

    public static void click(Activity activity, int id) {
        View view = activity.findViewById(id);
        assertTrue("hidden", view.isShown());
        assertTrue("disabled", view.isEnabled());
        assertTrue("not clickable", view.performClick());
    }

    public static String text(Activity activity, int id) {
        TextView view = activity.findViewById(id);
        return view.getVisibility() == View.VISIBLE ? view.getText().toString() : "";
    }

    /** The row of a job on the first screen, as it would be drawn now. */
    static View row(Activity activity, int index) {
        shadowOf(Looper.getMainLooper()).idle();
        ListView list = activity.findViewById(R.id.jobs);
        int position = index + list.getHeaderViewsCount();
        return list.getAdapter().getView(position, null, list);
    }

    /** Starts what the app asked Android to start. */
    void startService() {
        for (Intent intent; (intent = shadowOf(app()).getNextStartedService()) != null; ) {
            if (service == null || shadowOf(service.get()).isStoppedBySelf())
                service = Robolectric.buildService(RestoreService.class, intent).create();
            service.get().onStartCommand(intent, 0, ++starts);
        }
    }

    RestoreService service() {
        return service.get();
    }

    /** Goes on until it is so. */
    public void until(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS);
        while (true) {
            startService();
            shadowOf(Looper.getMainLooper()).idleFor(20, TimeUnit.MILLISECONDS);
            if (condition.getAsBoolean()) return;
            assertTrue(what + "; " + states(), System.nanoTime() < end);
            try {
                Thread.sleep(5);
            } catch (InterruptedException error) {
                throw new AssertionError(error);
            }
        }
    }

    /** Goes on until the service has nothing to do. */
    public void untilFinished() {
        startService();
        until("the service does not end", () -> shadowOf(service.get()).isStoppedBySelf());
        shadowOf(Looper.getMainLooper()).idle();
    }

    /**
     * Goes on until no thumbnail is being decoded. Robolectric's Android 15 makes a file that it is to decode and that was
     * removed meanwhile, empty, which no phone does.
     */
    void untilReadersEnd() {
        ThreadPoolExecutor readers = (ThreadPoolExecutor) app().background();
        until("a reader does not end", () -> readers.getActiveCount() == 0);
    }

    public static String states() {
        List<String> states = new ArrayList<>();
        for (Job job : queue().all()) states.add(job.name + " " + job.state() + " " + job.message());
        return states.toString();
    }
}
