package org.edgeir.tflite;

import org.edgeir.restorer.RestoreException;

/** A model file that no accelerator can run, because it is damaged or is not what the manifest says. */
public final class ModelException extends RestoreException {
    ModelException(String message) {
        super(message);
    }

    ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
