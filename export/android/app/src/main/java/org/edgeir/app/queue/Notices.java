package org.edgeir.app.queue;

import android.app.Notification;
import android.app.NotificationChannel;
import android.app.NotificationManager;
import android.app.PendingIntent;
import android.content.Context;
import android.content.Intent;
import android.graphics.drawable.Icon;
import android.os.Build;
import org.edgeir.app.MainActivity;
import org.edgeir.app.Newer;
import org.edgeir.app.R;

/** The notifications: one while photos are restored, with progress and cancel, and one at the end. */
final class Notices {
    static final int RUNNING = 1;
    static final int FINISHED = 2;
    private static final String CHANNEL = "restoring";

    private final Context context;
    private final NotificationManager manager;

    Notices(Context context) {
        this.context = context;
        manager = context.getSystemService(NotificationManager.class);
        if (Build.VERSION.SDK_INT >= 26) makeChannel();
    }

    @Newer(than = 26)
    private void makeChannel() {
        String name = context.getString(R.string.channel);
        manager.createNotificationChannel(new NotificationChannel(CHANNEL, name, NotificationManager.IMPORTANCE_LOW));
    }

    /** @param job null: the photos are being copied */
    Notification running(Job job, int open) {
        Intent cancel = new Intent(context, RestoreService.class).setAction(RestoreService.CANCEL);
        PendingIntent cancelling = PendingIntent.getService(context, 0, cancel, PendingIntent.FLAG_IMMUTABLE);
        Icon icon = Icon.createWithResource(context, R.drawable.ic_close);
        String title = job == null ? context.getString(R.string.reading) : job.name;
        Notification.Builder builder = builder()
                .setContentTitle(title)
                .setContentText(context.getResources().getQuantityString(R.plurals.to_do, open, open))
                .setOngoing(true)
                .setOnlyAlertOnce(true)
                .setCategory(Notification.CATEGORY_PROGRESS)
                .setProgress(1000, job == null ? 0 : job.permille(), job == null)
                .addAction(new Notification.Action.Builder(icon, context.getString(R.string.cancel_all), cancelling)
                        .build());
        return builder.build();
    }

    void show(Job job, int open) {
        manager.notify(RUNNING, running(job, open));
    }

    void finished(int done, int failed) {
        if (done + failed == 0) return;
        String text = context.getResources().getQuantityString(R.plurals.restored, done, done);
        if (failed > 0) text += " " + context.getResources().getQuantityString(R.plurals.failed, failed, failed);
        manager.notify(
                FINISHED,
                builder()
                        .setContentTitle(context.getString(R.string.finished))
                        .setContentText(text)
                        .setAutoCancel(true)
                        .build());
    }

    private Notification.Builder builder() {
        Intent open = new Intent(context, MainActivity.class).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK);
        return fresh().setSmallIcon(R.drawable.ic_notice)
                .setColor(context.getColor(R.color.accent))
                .setContentIntent(PendingIntent.getActivity(context, 0, open, PendingIntent.FLAG_IMMUTABLE));
    }

    @SuppressWarnings("deprecation")
    private Notification.Builder fresh() {
        return Build.VERSION.SDK_INT >= 26 ? inChannel() : new Notification.Builder(context);
    }

    @Newer(than = 26)
    private Notification.Builder inChannel() {
        return new Notification.Builder(context, CHANNEL);
    }
}
