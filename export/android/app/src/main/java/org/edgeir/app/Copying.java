package org.edgeir.app;

import android.content.ContentResolver;
import android.content.Context;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.edgeir.restorer.RestoreException;

/** Files of other apps, copied into this app's folder: the right to read them may end at any time. */
public final class Copying {
    private static final int CHUNK = 1 << 16;
    private static final int LONGEST_NAME = 120;

    private Copying() {}

    /** The name of a file as its owner states it, without folders; never empty. */
    public static String name(Context context, Uri uri) {
        String name = null;
        String[] columns = {OpenableColumns.DISPLAY_NAME};
        try (Cursor cursor = context.getContentResolver().query(uri, columns, null, null, null)) {
            if (cursor != null && cursor.moveToFirst() && !cursor.isNull(0)) name = cursor.getString(0);
        } catch (RuntimeException error) {
            // an owner that answers nothing, or anything
        }
        if (name == null) name = uri.getLastPathSegment();
        if (name == null) name = "";
        name = name.substring(name.lastIndexOf('/') + 1).replaceAll("[\\p{Cntrl}\"*:<>?\\\\|]", "_").trim();
        if (name.length() > LONGEST_NAME) name = name.substring(name.length() - LONGEST_NAME);
        return name.isEmpty() || name.startsWith(".") ? context.getString(R.string.photo) + name : name;
    }

    /**
     * Copies what is behind a URI; the file is there whole or not at all.
     *
     * @param most bytes that are taken
     * @throws RestoreException it cannot be read; the message is for the user
     */
    public static void copy(Context context, Uri uri, File file, long most) throws IOException {
        File part = new File(file.getPath() + ".part");
        boolean done = false;
        try (InputStream from = open(context, uri);
                OutputStream to = new FileOutputStream(part)) {
            copy(from, to, most, context);
            done = true;
        } finally {
            if (!done) part.delete();
        }
        if (!part.renameTo(file)) throw new IOException(context.getString(R.string.cannot_keep, file.getName()));
    }

    private static InputStream open(Context context, Uri uri) throws IOException {
        // A path would be one of this app's own files, and another app chose it.
        if (!ContentResolver.SCHEME_CONTENT.equals(uri.getScheme()))
            throw new RestoreException(context.getString(R.string.no_content));
        InputStream stream = null;
        try {
            stream = context.getContentResolver().openInputStream(Location.asAllowed(context, uri));
        } catch (SecurityException error) {
            throw new RestoreException(context.getString(R.string.not_allowed), error);
        } catch (FileNotFoundException | RuntimeException error) { // the owner's errors come through
            throw new RestoreException(context.getString(R.string.gone), error);
        }
        if (stream == null) throw new RestoreException(context.getString(R.string.gone));
        return stream;
    }

    private static void copy(InputStream from, OutputStream to, long most, Context context) throws IOException {
        byte[] chunk = new byte[CHUNK];
        long size = 0;
        for (int count; (count = from.read(chunk)) > 0; ) {
            size += count;
            if (size > most) throw new RestoreException(context.getString(R.string.too_many_bytes, most >> 20));
            to.write(chunk, 0, count);
        }
    }

    /** Copies a file of this app. */
    public static void copy(File file, OutputStream to) throws IOException {
        byte[] chunk = new byte[CHUNK];
        try (InputStream from = new FileInputStream(file)) {
            for (int count; (count = from.read(chunk)) > 0; ) to.write(chunk, 0, count);
        }
    }
}
