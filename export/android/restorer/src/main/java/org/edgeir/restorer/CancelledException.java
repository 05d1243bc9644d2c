package org.edgeir.restorer;

/** Restoring was stopped as the app asked. */
public final class CancelledException extends RestoreException {
    public CancelledException() {
        super("Restoring was cancelled.");
    }
}
