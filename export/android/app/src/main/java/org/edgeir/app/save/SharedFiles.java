package org.edgeir.app.save;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.content.Context;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;
import org.edgeir.app.App;
import org.edgeir.app.queue.Job;

/**
 * Gives files of this app to the one that the user shares them with, and to no other: results of jobs, as
 * {@code content://AUTHORITY/result/JOB/NAME}, and benchmarks, as {@code …/benchmark/NAME}.
 */
public final class SharedFiles extends ContentProvider {
    private static final String RESULT = "result";
    private static final String BENCHMARK = "benchmark";

    /** Of a finished job's result. */
    public static Uri of(Context context, Job job) {
        return root(context).appendPath(RESULT).appendPath(job.id).appendPath(Names.png(job)).build();
    }

    /** Of a benchmark's file. */
    public static Uri ofBenchmark(Context context, String name) {
        return root(context).appendPath(BENCHMARK).appendPath(name).build();
    }

    /** Where benchmarks lie. */
    public static File benchmarks(Context context) {
        return new File(context.getFilesDir(), "benchmarks");
    }

    private static Uri.Builder root(Context context) {
        // The application's id is its packager's choice.
        return new Uri.Builder().scheme("content").authority(context.getPackageName() + ".files");
    }

    private File file(Uri uri) throws FileNotFoundException {
        String[] parts = uri.getPathSegments().toArray(new String[0]);
        Context context = getContext();
        if (context != null && parts.length == 3 && parts[0].equals(RESULT)) {
            Job job = App.of(context).queue().find(parts[1]);
            if (job != null && job.state() == Job.State.DONE) return job.result();
        }
        if (context != null && parts.length == 2 && parts[0].equals(BENCHMARK) && parts[1].matches("[\\w-]+\\.json"))
            return new File(benchmarks(context), parts[1]);
        throw new FileNotFoundException(uri.toString());
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (!"r".equals(mode)) throw new FileNotFoundException("read only");
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY);
    }

    @Override
    public Cursor query(Uri uri, String[] wanted, String selection, String[] arguments, String order) {
        String[] columns = wanted == null ? new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE} : wanted;
        MatrixCursor cursor = new MatrixCursor(columns, 1);
        try {
            MatrixCursor.RowBuilder row = cursor.newRow();
            long size = file(uri).length();
            for (String column : columns) {
                boolean name = column.equals(OpenableColumns.DISPLAY_NAME);
                row.add(name ? uri.getLastPathSegment() : column.equals(OpenableColumns.SIZE) ? (Object) size : null);
            }
        } catch (FileNotFoundException error) {
            return null;
        }
        return cursor;
    }

    @Override
    public String getType(Uri uri) {
        return RESULT.equals(uri.getPathSegments().get(0)) ? "image/png" : "application/json";
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        throw new UnsupportedOperationException();
    }
}
