package org.edgeir.app;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import org.edgeir.app.photo.Channels;
import org.edgeir.restorer.pixels.ArrayImage;
import org.edgeir.restorer.pixels.PngSink;

/** Images of tests, written and read without the app. */
public final class Images {
    private Images() {}

    public static File png(File file, ArrayImage image) throws IOException {
        return png(file, image, null, null);
    }

    public static File png(File file, ArrayImage image, byte[] icc, byte[] exif) throws IOException {
        try (OutputStream out = new FileOutputStream(file)) {
            PngSink sink = new PngSink(out, icc, exif, 4);
            sink.begin(image.width(), image.height(), image.colours(), image.hasAlpha());
            sink.rows(image.samples(), image.height());
            sink.finish();
        }
        return file;
    }

    /** Samples of a file as Android decodes it, in planes as those of another image. */
    public static ArrayImage read(File file, int colours, boolean alpha) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inPremultiplied = false;
        options.inScaled = false;
        Bitmap bitmap = BitmapFactory.decodeFile(file.getPath(), options);
        ByteBuffer rgba = ByteBuffer.allocate(bitmap.getByteCount());
        bitmap.copyPixelsToBuffer(rgba);
        int planes = colours + (alpha ? 1 : 0);
        byte[] samples = new byte[bitmap.getWidth() * bitmap.getHeight() * planes];
        for (int at = 0; at < samples.length / planes; at++) {
            int[] order = {Channels.RED, Channels.GREEN, Channels.BLUE};
            for (int c = 0; c < colours; c++) samples[planes * at + c] = rgba.get(4 * at + order[c]);
            if (alpha) samples[planes * at + colours] = rgba.get(4 * at + Channels.ALPHA);
        }
        return new ArrayImage(bitmap.getWidth(), bitmap.getHeight(), colours, alpha, samples);
    }
}
