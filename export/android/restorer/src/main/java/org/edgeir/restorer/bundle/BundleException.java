package org.edgeir.restorer.bundle;

import java.io.IOException;

/** A bundle that cannot be used; the message is one or two lines for whoever reads it: what, where, what to do. */
public final class BundleException extends IOException {
    public BundleException(String message) {
        super(message);
    }

    public BundleException(String message, Throwable cause) {
        super(message, cause);
    }
}
