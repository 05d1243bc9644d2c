package org.edgeir.app.queue;

import android.app.Notification;
import android.app.Service;
import android.content.ClipData;
import android.content.Context;
import android.content.Intent;
import android.content.pm.ServiceInfo;
import android.net.Uri;
import android.os.Build;
import android.os.Handler;
import android.os.IBinder;
import android.os.Looper;
import android.os.PowerManager;
import android.os.SystemClock;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.edgeir.app.App;
import org.edgeir.app.Copying;
import org.edgeir.app.Errors;
import org.edgeir.app.Newer;
import org.edgeir.app.R;
import org.edgeir.app.Settings;
import org.edgeir.app.models.Model;
import org.edgeir.tflite.Accelerator;

/** Restores the photos of the queue in the foreground, so that Android lets it finish; ends when the queue is empty. */
public final class RestoreService extends Service {
    static final String CANCEL = "org.edgeir.app.CANCEL";
    private static final String ADD = "org.edgeir.app.ADD";
    private static final String AGAIN = "org.edgeir.app.AGAIN";
    private static final String JOB = "job";
    /** The largest photo that is taken. */
    private static final long MOST_BYTES = 1L << 30;
    /** A photo that takes longer than this, in milliseconds, goes on when the screen is on. */
    private static final long AWAKE = 60 * 60 * 1000L;

    /** Between two changes of the notification, in milliseconds. */
    private static final long PAUSE = 500;

    private final Queue.Listener notifying = this::progressed;
    private final Handler main = new Handler(Looper.getMainLooper());
    /** Of this run of the service. */
    private final List<Job> mine = Collections.synchronizedList(new ArrayList<>());
    /** Copies; the worker restores. */
    private ExecutorService copier;

    private ExecutorService worker;
    private Queue queue;
    private Notices notices;
    private Work work;
    private PowerManager.WakeLock awake;
    private int last;
    private int tasks;
    private long shown;
    private volatile Job current;

    /** Restores photos with the chosen model after those of the queue; the caller may read them. */
    public static void add(Context context, List<Uri> photos) {
        Intent intent = new Intent(context, RestoreService.class).setAction(ADD);
        ClipData clip = ClipData.newRawUri("", photos.get(0));
        for (Uri photo : photos.subList(1, photos.size())) clip.addItem(new ClipData.Item(photo));
        intent.setClipData(clip);
        start(context, intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION));
    }

    /** Restores a finished job's photo once more. */
    public static void again(Context context, Job job) {
        start(context, new Intent(context, RestoreService.class).setAction(AGAIN).putExtra(JOB, job.id));
    }

    private static void start(Context context, Intent intent) {
        if (Build.VERSION.SDK_INT >= 26) startInForeground(context, intent);
        else context.startService(intent);
    }

    @Newer(than = 26)
    private static void startInForeground(Context context, Intent intent) {
        context.startForegroundService(intent);
    }

    @Override
    public void onCreate() {
        super.onCreate();
        queue = App.of(this).queue();
        notices = new Notices(this);
        work = new Work(this, queue);
        copier = Executors.newSingleThreadExecutor();
        worker = Executors.newSingleThreadExecutor();
        awake = getSystemService(PowerManager.class).newWakeLock(PowerManager.PARTIAL_WAKE_LOCK, "edgeir:restoring");
        awake.setReferenceCounted(false);
        queue.listen(notifying);
    }

    @Override
    public int onStartCommand(Intent intent, int flags, int startId) {
        last = startId;
        String action = intent == null ? "" : String.valueOf(intent.getAction());
        enterForeground();
        if (action.equals(CANCEL)) queue.cancelAll();
        if (action.equals(AGAIN)) again(queue.find(intent.getStringExtra(JOB)));
        if (action.equals(ADD) && intent.getClipData() != null) add(intent.getClipData());
        begin(worker, () -> {}); // the service ends after the last of its tasks
        return START_NOT_STICKY; // what was not finished is listed, and not begun again behind the user's back
    }

    private void again(Job job) {
        if (job == null || job.open()) return;
        if (!job.photo().isFile()) {
            queue.become(job, Job.State.FAILED, getString(R.string.choose_again));
            return;
        }
        queue.again(job);
        mine.add(job);
        begin(worker, this::restoreNext);
    }

    private void enterForeground() {
        Notification notice = notices.running(current, queue.open());
        if (Build.VERSION.SDK_INT >= 29) enterForeground(notice);
        else startForeground(Notices.RUNNING, notice);
    }

    @Newer(than = 29)
    private void enterForeground(Notification notice) {
        int type = Build.VERSION.SDK_INT >= 35
                ? ServiceInfo.FOREGROUND_SERVICE_TYPE_MEDIA_PROCESSING
                : ServiceInfo.FOREGROUND_SERVICE_TYPE_DATA_SYNC;
        startForeground(Notices.RUNNING, notice, type);
    }

    /** Photos are copied at once, while others are restored: the right to read them may end. */
    private void add(ClipData clip) {
        Model model = App.of(this).models().chosen(Settings.of(this).model());
        Accelerator accelerator = Settings.of(this).accelerator();
        List<Uri> photos = new ArrayList<>();
        for (int index = 0; index < clip.getItemCount(); index++) {
            Uri photo = clip.getItemAt(index).getUri();
            if (photo != null) photos.add(photo);
        }
        if (model == null || photos.isEmpty()) return;
        begin(copier, () -> {
            List<Job> jobs = new ArrayList<>();
            for (Uri photo : photos) jobs.add(queue.add(Copying.name(this, photo), model, accelerator));
            mine.addAll(jobs);
            for (int index = 0; index < jobs.size(); index++) copy(photos.get(index), jobs.get(index));
        });
    }

    private void copy(Uri photo, Job job) {
        try {
            if (job.state() != Job.State.WAITING) return;
            Copying.copy(this, photo, job.photo(), MOST_BYTES);
            main.post(() -> begin(worker, this::restoreNext));
        } catch (IOException | RuntimeException | OutOfMemoryError error) {
            queue.become(job, Job.State.FAILED, Errors.words(this, error));
        }
    }

    private void restoreNext() {
        Job job = queue.next();
        if (job == null) return; // cancelled
        current = job;
        work.run(job);
        current = null;
    }

    /** On the main thread. */
    private void begin(ExecutorService executor, Runnable task) {
        if (executor.isShutdown()) return; // Android ended the service while a photo was being copied
        tasks++;
        awake.acquire(AWAKE);
        executor.execute(() -> {
            try {
                task.run();
            } finally {
                main.post(this::taskDone);
            }
        });
    }

    private void taskDone() {
        if (--tasks > 0) return;
        worker.execute(work::close);
        int done = 0;
        int failed = 0;
        for (Job job : mine) {
            if (job.state() == Job.State.DONE) done++;
            if (job.state() == Job.State.FAILED) failed++;
        }
        mine.clear();
        leaveForeground();
        notices.finished(done, failed);
        awake.release();
        stopSelf(last);
    }

    private void leaveForeground() {
        stopForeground(true);
    }

    private void progressed() {
        long now = SystemClock.elapsedRealtime();
        if (tasks == 0 || now - shown < PAUSE) return;
        shown = now;
        notices.show(current, queue.open());
    }

    /** Android 15 gives a service that processes media six hours a day. */
    @Override
    public void onTimeout(int startId, int type) {
        queue.interrupt(getString(R.string.time_over));
        leaveForeground();
        stopSelf();
    }

    @Override
    public void onDestroy() {
        queue.unlisten(notifying);
        copier.shutdown();
        worker.shutdown();
        if (awake.isHeld()) awake.release();
        super.onDestroy();
    }

    @Override
    public IBinder onBind(Intent intent) {
        return null;
    }
}
