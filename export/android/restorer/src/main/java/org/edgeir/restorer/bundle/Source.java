package org.edgeir.restorer.bundle;

import java.io.Closeable;
import java.io.IOException;

/** Where the files of a bundle come from: a zip, a folder, an app's assets. */
public interface Source extends Closeable {
    /**
     * The content of a file.
     *
     * @param path its parts separated by {@code /}; a path inside the bundle
     * @param most the largest number of bytes that is right
     * @return null: there is no such file
     * @throws IOException it cannot be read or is larger
     */
    byte[] read(String path, long most) throws IOException;

    @Override
    default void close() throws IOException {}
}
