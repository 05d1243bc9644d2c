package org.edgeir.app;

import android.content.ContentProvider;
import android.content.ContentUris;
import android.content.ContentValues;
import android.database.Cursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.MediaStore;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.robolectric.Robolectric;

/** The phone's pictures: what was inserted, and its content. */
public final class MediaFake extends ContentProvider {
    static final Map<Long, ContentValues> ROWS = new TreeMap<>();
    private static File folder;
    private static boolean full;

    static void install(File files) {
        ROWS.clear();
        folder = files;
        full = false;
        Robolectric.buildContentProvider(MediaFake.class).create(MediaStore.AUTHORITY);
    }

    /** Every byte that is written from now on fails as on a full phone. */
    static void fillUp() {
        full = true;
    }

    static File content(long id) {
        return new File(folder, "media-" + id);
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        long id = ROWS.size() + 1;
        ROWS.put(id, new ContentValues(values));
        return ContentUris.withAppendedId(uri, id);
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        ROWS.get(ContentUris.parseId(uri)).putAll(values);
        return 1;
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        long id = ContentUris.parseId(uri);
        content(id).delete();
        return ROWS.remove(id) == null ? 0 : 1;
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (full) return ParcelFileDescriptor.open(new File("/dev/full"), ParcelFileDescriptor.MODE_WRITE_ONLY);
        File file = content(ContentUris.parseId(uri));
        try {
            file.createNewFile();
        } catch (IOException error) {
            throw new FileNotFoundException(error.getMessage());
        }
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.parseMode(mode));
    }

    @Override
    public Cursor query(Uri uri, String[] columns, String selection, String[] arguments, String order) {
        return null;
    }

    @Override
    public String getType(Uri uri) {
        return "image/png";
    }

    @Override
    public boolean onCreate() {
        return true;
    }
}
