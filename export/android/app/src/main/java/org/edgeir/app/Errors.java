package org.edgeir.app;

import android.content.Context;
import android.system.ErrnoException;
import android.system.OsConstants;
import org.edgeir.restorer.RestoreException;
import org.edgeir.restorer.bundle.BundleException;

/** What went wrong, in words for the screen. */
public final class Errors {
    private Errors() {}

    public static String words(Context context, Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (full(cause)) return context.getString(R.string.storage_full);
        }
        if (error instanceof OutOfMemoryError) return context.getString(R.string.no_memory);
        // The library's messages are for users.
        if (error instanceof RestoreException || error instanceof BundleException) return error.getMessage();
        if (error instanceof SecurityException) return context.getString(R.string.not_allowed);
        String message = error.getMessage();
        String what = message == null || message.isEmpty() ? error.getClass().getSimpleName() : message;
        return context.getString(R.string.went_wrong, what);
    }

    private static boolean full(Throwable cause) {
        if (cause instanceof ErrnoException) {
            int number = ((ErrnoException) cause).errno;
            return number == OsConstants.ENOSPC || number == OsConstants.EDQUOT;
        }
        String message = cause.getMessage();
        return message != null && (message.contains("ENOSPC") || message.contains("No space left"));
    }
}
