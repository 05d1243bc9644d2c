package org.edgeir.app.queue;

import android.graphics.Bitmap;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.edgeir.app.photo.Channels;
import org.edgeir.app.photo.Photo;
import org.edgeir.restorer.pixels.ImageSink;

/** A sink that hands on what it is given, and makes a small image of it for the screen meanwhile. */
final class Preview implements ImageSink {
    /** Of the longer side, in pixels. */
    private static final int SIDE = 1024;

    private static final int RGBA = 4;

    final Job job;
    private final ImageSink sink;
    private final Photo photo;
    private final Runnable more;
    private Bitmap bitmap;
    private byte[] pixels;
    private int[] sums;
    private int colours;
    private boolean alpha;
    private int width;
    private int height;
    private int step;
    private int row;

    /** @param more called whenever there are new rows */
    Preview(Job job, ImageSink sink, Photo photo, Runnable more) {
        this.job = job;
        this.sink = sink;
        this.photo = photo;
        this.more = more;
    }

    @Override
    public void begin(int width, int height, int colours, boolean hasAlpha) throws IOException {
        sink.begin(width, height, colours, hasAlpha);
        this.colours = colours;
        this.alpha = hasAlpha;
        this.width = width;
        this.height = height;
        step = (Math.max(width, height) + SIDE - 1) / SIDE;
        int wide = (width + step - 1) / step;
        sums = new int[RGBA * wide];
        synchronized (this) {
            bitmap = photo.canvas(wide, (height + step - 1) / step);
            pixels = new byte[bitmap.getByteCount()];
        }
    }

    @Override
    public void rows(byte[] samples, int count) throws IOException {
        sink.rows(samples, count);
        int planes = colours + (alpha ? 1 : 0);
        for (int y = 0, at = 0; y < count; y++, row++) {
            for (int x = 0; x < width; x++, at += planes) {
                int to = RGBA * (x / step);
                int opacity = alpha ? samples[at + colours] & 0xff : 255;
                add(to + Channels.RED, samples[at], opacity);
                add(to + Channels.GREEN, samples[at + (colours == 3 ? 1 : 0)], opacity);
                add(to + Channels.BLUE, samples[at + (colours == 3 ? 2 : 0)], opacity);
                sums[to + Channels.ALPHA] += opacity;
            }
            if ((row + 1) % step == 0 || row + 1 == height) finishRow();
        }
        more.run();
    }

    /** The screen wants colours premultiplied. */
    private void add(int to, byte sample, int opacity) {
        sums[to] += (sample & 0xff) * opacity / 255;
    }

    private void finishRow() {
        int wide = sums.length / RGBA;
        int high = row % step + 1;
        int line = row / step * sums.length;
        for (int x = 0; x < wide; x++) {
            int area = high * Math.min(step, width - x * step);
            for (int c = 0; c < RGBA; c++) pixels[line + RGBA * x + c] = (byte) (sums[RGBA * x + c] / area);
        }
        Arrays.fill(sums, 0);
    }

    /** What is there, the rest transparent; null: nothing yet. */
    synchronized Bitmap bitmap() {
        if (bitmap == null) return null;
        bitmap.copyPixelsFromBuffer(ByteBuffer.wrap(pixels));
        return bitmap;
    }

    @Override
    public void finish() throws IOException {
        sink.finish();
    }

    @Override
    public void abort() {
        sink.abort();
    }
}
