package org.edgeir.app;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;
import java.util.HashMap;
import java.util.Map;
import org.robolectric.Robolectric;

/** An app that gives files: a gallery, or Files. It may stop to. */
public final class OtherApp extends ContentProvider {
    private static final String AUTHORITY = "other.app";
    private static final Map<String, File> FILES = new HashMap<>();
    private static boolean allowed;

    /** There is one, and it allows everything. */
    public static void install() {
        FILES.clear();
        allowed = true;
        Robolectric.buildContentProvider(OtherApp.class).create(AUTHORITY);
    }

    public static Uri give(File file) {
        return give(file, file.getName());
    }

    public static Uri give(File file, String name) {
        FILES.put(name, file);
        return new Uri.Builder().scheme("content").authority(AUTHORITY).appendPath(name).build();
    }

    /** What was allowed is not any more. */
    static void revoke() {
        allowed = false;
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (!allowed) throw new SecurityException("Permission Denial: reading " + uri);
        File file = FILES.get(uri.getLastPathSegment());
        if (file == null) throw new FileNotFoundException(uri.toString());
        return ParcelFileDescriptor.open(file, ParcelFileDescriptor.MODE_READ_ONLY);
    }

    @Override
    public Cursor query(Uri uri, String[] columns, String selection, String[] arguments, String order) {
        MatrixCursor cursor = new MatrixCursor(new String[] {OpenableColumns.DISPLAY_NAME});
        cursor.addRow(new Object[] {uri.getLastPathSegment()});
        return cursor;
    }

    @Override
    public String getType(Uri uri) {
        return "image/*";
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        return null;
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        return 0;
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        return 0;
    }
}
