package org.edgeir.app.save;

import android.content.ContentResolver;
import android.content.ContentValues;
import android.content.Context;
import android.net.Uri;
import android.os.Build;
import android.os.Environment;
import android.provider.MediaStore;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import org.edgeir.app.Newer;
import org.edgeir.app.R;

/** New images among the phone's pictures. */
final class Gallery {
    /** Writes the content of an image. */
    interface Content {
        void write(OutputStream out) throws IOException;
    }

    private Gallery() {}

    /** Folder of the app's pictures, for people too. */
    static String folder(Context context) {
        return Environment.DIRECTORY_PICTURES + "/" + context.getString(R.string.app_name).replace('/', '_');
    }

    /**
     * Adds an image; it is there whole or not at all.
     *
     * @throws IOException it cannot be written
     * @throws SecurityException before Android 10: writing is not allowed
     */
    static Uri add(Context context, String name, String type, Content content) throws IOException {
        ContentResolver resolver = context.getContentResolver();
        ContentValues values = new ContentValues();
        values.put(MediaStore.MediaColumns.DISPLAY_NAME, name);
        values.put(MediaStore.MediaColumns.MIME_TYPE, type);
        if (Build.VERSION.SDK_INT >= 29) setPlace(values, folder(context));
        else setFile(context, values, name);
        Uri uri = resolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, values);
        if (uri == null) throw new IOException(context.getString(R.string.no_gallery));
        boolean done = false;
        try {
            try (OutputStream out = resolver.openOutputStream(uri)) {
                if (out == null) throw new IOException(context.getString(R.string.no_gallery));
                content.write(out);
                out.flush();
            }
            if (Build.VERSION.SDK_INT >= 29) publish(resolver, uri);
            done = true;
            return uri;
        } finally {
            if (!done) resolver.delete(uri, null, null);
        }
    }

    @Newer(than = 29)
    private static void setPlace(ContentValues values, String folder) {
        values.put(MediaStore.MediaColumns.RELATIVE_PATH, folder);
        values.put(MediaStore.MediaColumns.IS_PENDING, 1); // nobody sees it until it is whole
    }

    @Newer(than = 29)
    private static void publish(ContentResolver resolver, Uri uri) {
        ContentValues values = new ContentValues();
        values.put(MediaStore.MediaColumns.IS_PENDING, 0);
        resolver.update(uri, values, null, null);
    }

    @SuppressWarnings("deprecation")
    private static void setFile(Context context, ContentValues values, String name) throws IOException {
        File folder = new File(Environment.getExternalStorageDirectory(), folder(context));
        if (!folder.isDirectory() && !folder.mkdirs()) throw new IOException(context.getString(R.string.no_gallery));
        int dot = name.lastIndexOf('.');
        File file = new File(folder, name);
        for (int number = 1; file.exists(); number++)
            file = new File(folder, name.substring(0, dot) + "-" + number + name.substring(dot));
        values.put(MediaStore.MediaColumns.DATA, file.getPath());
    }
}
