package org.edgeir.restorer;

import java.io.IOException;

/** An image that cannot be restored; the message is for whoever uses the app. */
public class RestoreException extends IOException {
    public RestoreException(String message) {
        super(message);
    }

    public RestoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
