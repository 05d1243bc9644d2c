package org.edgeir.app.photo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.BitmapRegionDecoder;
import android.graphics.Rect;
import android.media.ExifInterface;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import org.edgeir.app.R;
import org.edgeir.restorer.RestoreException;
import org.edgeir.restorer.pixels.ImageSource;

/** A photo's file, upright, in its own colours, read by bands of rows. */
public final class Photo implements ImageSource, Closeable {
    private static final int RGBA = Stored.RGBA;

    private final Context context;
    private final Header header;
    private final Stored stored;
    private final Turn turn;
    private final boolean alpha;
    private final byte[] icc;
    /** Empty, in the photo's colours. */
    private final Bitmap blank;

    private byte[] raw = new byte[0];

    private Photo(Context context, Header header, Stored stored, int orientation) throws IOException {
        this.context = context;
        this.header = header;
        this.stored = stored;
        turn = new Turn(orientation, stored.width(), stored.height());
        Bitmap first = stored.sample();
        alpha = first.hasAlpha();
        icc = Colours.profile(first, header.icc, header.gray);
        blank = Colours.like(first, 1, 1);
        first.recycle();
    }

    /**
     * Opens a file.
     *
     * @throws RestoreException it is no photo that this phone reads; the message is for the user
     */
    public static Photo open(Context context, File file) throws IOException {
        BitmapFactory.Options bounds = Stored.options();
        bounds.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(file.getPath(), bounds);
        Header header = Header.of(file);
        if (header.cut) throw new RestoreException(context.getString(R.string.cut_photo));
        if (bounds.outWidth < 1 || bounds.outHeight < 1) throw new RestoreException(Kind.problem(context, file));
        int orientation = orientation(file, header, bounds.outMimeType);
        Stored stored = stored(context, file, bounds);
        try {
            return new Photo(context, header, stored, orientation);
        } catch (IOException | RuntimeException error) {
            stored.close();
            throw new RestoreException(Kind.problem(context, file), error);
        }
    }

    /** EXIF's orientation, 1 to 8; of a HEIC it is the container's, which Android's reader translates. */
    private static int orientation(File file, Header header, String type) {
        if (type == null || !type.startsWith("image/hei")) return Exif.orientation(header.exif);
        try {
            int stated = new ExifInterface(file.getPath()).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1);
            return stated >= 1 && stated <= 8 ? stated : 1;
        } catch (IOException | RuntimeException error) {
            return 1;
        }
    }

    @SuppressWarnings("deprecation")
    private static Stored stored(Context context, File file, BitmapFactory.Options bounds) throws IOException {
        try {
            BitmapRegionDecoder decoder = BitmapRegionDecoder.newInstance(file.getPath(), false);
            if (decoder != null) return new Regions(decoder);
        } catch (IOException error) {
            // a format without regions
        }
        OutOfMemoryError failure = null;
        // The other half is what restoring takes.
        if ((long) RGBA * bounds.outWidth * bounds.outHeight <= Runtime.getRuntime().maxMemory() / 2) {
            try {
                Bitmap whole = BitmapFactory.decodeFile(file.getPath(), Stored.options());
                if (whole == null) throw new RestoreException(Kind.problem(context, file));
                return new Whole(whole);
            } catch (OutOfMemoryError error) {
                failure = error;
            }
        }
        throw new RestoreException(
                context.getString(R.string.whole_too_large, bounds.outWidth, bounds.outHeight), failure);
    }

    @Override
    public int width() {
        return turn.width;
    }

    @Override
    public int height() {
        return turn.height;
    }

    @Override
    public int colours() {
        return header.gray ? 1 : 3;
    }

    @Override
    public boolean hasAlpha() {
        return alpha;
    }

    /** The colour profile of the samples; null: sRGB. */
    public byte[] icc() {
        return icc;
    }

    /** An empty bitmap in the photo's colours, to copy samples into. */
    public Bitmap canvas(int width, int height) {
        return Colours.like(blank, width, height);
    }

    /** EXIF for a result of this size; null: there is none. */
    public byte[] exif(boolean keepsLocation, int width, int height) {
        return Exif.of(header.exif, keepsLocation, width, height);
    }

    @Override
    public void read(int top, int bottom, byte[] samples) throws IOException {
        Rect rect = turn.stored(top, bottom);
        int size = Math.multiplyExact(RGBA, Math.multiplyExact(rect.width(), rect.height()));
        if (raw.length < size) {
            raw = new byte[0]; // before the larger one is there
            raw = new byte[size];
        }
        try {
            stored.region(rect.left, rect.top, rect.right, rect.bottom, raw);
        } catch (IOException | IllegalArgumentException | IllegalStateException error) {
            throw new RestoreException(context.getString(R.string.damaged_photo), error);
        }
        int line = rect.width();
        int colours = colours();
        for (int y = 0, to = 0; y < bottom - top; y++) {
            for (int x = 0; x < turn.width; x++) {
                int from = RGBA * turn.at(y, x, bottom - top, line);
                samples[to++] = raw[from + Channels.RED];
                if (colours == 3) {
                    samples[to++] = raw[from + Channels.GREEN];
                    samples[to++] = raw[from + Channels.BLUE];
                }
                if (alpha) samples[to++] = raw[from + Channels.ALPHA];
            }
        }
    }

    @Override
    public void close() {
        try {
            stored.close();
        } catch (IOException error) {
            // nothing was written
        }
    }

    /** Pixels of a result of this width per stored pixel; 0: the photo is stored turned, or cannot be decoded. */
    public static float uprightScale(File file, int width) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(file.getPath(), options);
        boolean turned = orientation(file, Header.of(file), options.outMimeType) != 1;
        return options.outWidth < 1 || turned ? 0 : (float) width / options.outWidth;
    }

    /** The photo for the screen, upright, with sides of at most `side` pixels; null: it cannot be decoded. */
    public static Bitmap thumbnail(File file, int side) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(file.getPath(), options);
        if (options.outWidth < 1 || options.outHeight < 1) return null;
        int sample = 1;
        while (Math.max(options.outWidth, options.outHeight) / sample > side) sample *= 2;
        options.inJustDecodeBounds = false;
        options.inSampleSize = sample;
        options.inScaled = false;
        try {
            Bitmap bitmap = BitmapFactory.decodeFile(file.getPath(), options);
            int orientation = orientation(file, Header.of(file), options.outMimeType);
            if (bitmap == null || orientation == 1) return bitmap;
            Turn turn = new Turn(orientation, bitmap.getWidth(), bitmap.getHeight());
            return Bitmap.createBitmap(
                    bitmap, 0, 0, bitmap.getWidth(), bitmap.getHeight(), turn.matrix(), true);
        } catch (OutOfMemoryError error) {
            return null;
        }
    }
}
