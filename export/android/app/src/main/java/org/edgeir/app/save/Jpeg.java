package org.edgeir.app.save;

import android.app.ActivityManager;
import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Canvas;
import android.graphics.Color;
import android.os.Build;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.edgeir.app.R;
import org.edgeir.app.queue.Job;
import org.edgeir.restorer.RestoreException;

/** A result as JPEG: Android writes one only of an image that is whole in memory. */
final class Jpeg {
    private static final int QUALITY = 95;
    private static final int MOST_SIDE = 65500;
    private static final int MOST_EXIF = 65533 - 6;
    /** Beside the pixels: the decoder's rows, and what other apps need meanwhile. */
    private static final long BESIDE = 64L << 20;

    private Jpeg() {}

    /** Why this result cannot be a JPEG on this phone, for the screen; null: it can. */
    static String problem(Context context, Job job) {
        if (Math.max(job.width(), job.height()) > MOST_SIDE) return context.getString(R.string.jpeg_side, MOST_SIDE);
        long needed = 4L * job.width() * job.height() + BESIDE;
        long free = free(context);
        if (needed <= free) return null;
        return context.getString(R.string.jpeg_memory, needed >> 20, free >> 20);
    }

    /** Bytes that a bitmap may have: before Android 8.0 it lies in Java's heap. */
    private static long free(Context context) {
        if (Build.VERSION.SDK_INT < 26) {
            Runtime runtime = Runtime.getRuntime();
            return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
        }
        ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
        context.getSystemService(ActivityManager.class).getMemoryInfo(info);
        return info.availMem - info.threshold;
    }

    static void write(Context context, Job job, OutputStream out) throws IOException {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inMutable = true;
        options.inScaled = false;
        try {
            Bitmap bitmap = BitmapFactory.decodeFile(job.result().getPath(), options);
            if (bitmap == null) throw new RestoreException(context.getString(R.string.result_gone));
            if (bitmap.hasAlpha()) new Canvas(bitmap).drawColor(Color.WHITE, android.graphics.PorterDuff.Mode.DST_OVER);
            WithExif stream = new WithExif(out, exif(job.exif()));
            boolean written = bitmap.compress(Bitmap.CompressFormat.JPEG, QUALITY, stream);
            bitmap.recycle();
            stream.check();
            if (!written) throw new IOException(context.getString(R.string.no_gallery));
        } catch (OutOfMemoryError error) {
            throw new RestoreException(context.getString(R.string.jpeg_failed), error);
        }
    }

    private static byte[] exif(File file) throws IOException {
        if (!file.isFile() || file.length() > MOST_EXIF) return null;
        try (InputStream stream = new FileInputStream(file)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] chunk = new byte[1 << 12];
            for (int count; (count = stream.read(chunk)) > 0; ) bytes.write(chunk, 0, count);
            return bytes.toByteArray();
        }
    }

    /** Puts an EXIF segment after the first two bytes, and keeps the error that the encoder swallows. */
    private static final class WithExif extends FilterOutputStream {
        private final byte[] exif;
        private long count;
        private IOException failure;

        WithExif(OutputStream out, byte[] exif) {
            super(out);
            this.exif = exif;
        }

        @Override
        public void write(int one) throws IOException {
            write(new byte[] {(byte) one}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int start, int size) throws IOException {
            try {
                int before = (int) Math.max(0, Math.min(size, 2 - count));
                out.write(bytes, start, before);
                if (count < 2 && count + before == 2 && exif != null) segment();
                out.write(bytes, start + before, size - before);
                count += size;
            } catch (IOException error) {
                failure = error;
                throw error;
            }
        }

        private void segment() throws IOException {
            int size = 2 + 6 + exif.length;
            out.write(new byte[] {(byte) 0xff, (byte) 0xe1, (byte) (size >> 8), (byte) size});
            out.write("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
            out.write(exif);
        }

        void check() throws IOException {
            if (failure != null) throw failure;
        }
    }
}
