package org.edgeir.app;

import android.graphics.Bitmap;
import android.os.Handler;
import android.os.Looper;
import android.util.LruCache;
import android.widget.ImageView;
import java.io.File;
import java.util.concurrent.Executor;
import org.edgeir.app.photo.Photo;
import org.edgeir.app.queue.Job;

/** Small images of jobs' photos, decoded in the background. */
final class Thumbnails {
    /** In pixels. */
    private static final int SIDE = 192;

    private static final int KEPT = 64;

    private final LruCache<String, Bitmap> known = new LruCache<>(KEPT);
    private final Handler main = new Handler(Looper.getMainLooper());
    private final Executor background;

    Thumbnails(Executor background) {
        this.background = background;
    }

    /** Shows the photo once it is decoded, if the view still shows this job. */
    void into(ImageView view, Job job) {
        File file = job.state() == Job.State.DONE ? job.preview() : job.photo();
        String key = file.getPath();
        Bitmap bitmap = known.get(key);
        view.setImageBitmap(bitmap);
        view.setTag(key);
        if (bitmap != null || !file.isFile()) return;
        background.execute(() -> {
            Bitmap decoded = Photo.thumbnail(file, SIDE);
            if (decoded == null) return;
            main.post(() -> {
                known.put(key, decoded);
                if (key.equals(view.getTag())) view.setImageBitmap(decoded);
            });
        });
    }
}
