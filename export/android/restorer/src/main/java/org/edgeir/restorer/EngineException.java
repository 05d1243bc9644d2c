package org.edgeir.restorer;

/** An engine that failed; another one may do it. */
public final class EngineException extends RestoreException {
    public EngineException(String message) {
        super(message);
    }

    public EngineException(String message, Throwable cause) {
        super(message, cause);
    }
}
