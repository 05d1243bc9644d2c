package org.edgeir.restorer.bundle;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** Reads streams of files that may be larger or smaller than they say. */
public final class Reading {
    private static final int PART = 1 << 16;

    private Reading() {}

    /**
     * All of a stream. Memory grows with what arrives, not with what is promised.
     *
     * @throws BundleException there are more than `most` bytes
     */
    public static byte[] all(InputStream stream, String path, long most) throws IOException {
        byte[] bytes = new byte[(int) Math.min(PART, most + 1)];
        int filled = 0;
        for (int count; (count = stream.read(bytes, filled, bytes.length - filled)) >= 0; ) {
            filled += count;
            if (filled > most)
                throw new BundleException("`" + path + "` is larger than " + most + " bytes. Get the bundle again.");
            if (filled == bytes.length) bytes = Arrays.copyOf(bytes, (int) Math.min(2L * bytes.length, most + 1));
        }
        return bytes.length == filled ? bytes : Arrays.copyOf(bytes, filled);
    }
}
