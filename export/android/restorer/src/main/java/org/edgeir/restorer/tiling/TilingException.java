package org.edgeir.restorer.tiling;

import org.edgeir.restorer.RestoreException;

/** A window is too small for the network, or the network reads the whole image. */
public final class TilingException extends RestoreException {
    TilingException(String message) {
        super(message);
    }
}
