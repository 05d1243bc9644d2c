package org.edgeir.restorer.pixels;

import java.io.IOException;

/** Where a result goes, strip by strip from the top. */
public interface ImageSink {
    /** Called once, before any rows; `colours` and `hasAlpha` as in {@link ImageSource}. */
    void begin(int width, int height, int colours, boolean hasAlpha) throws IOException;

    /** The next `count` rows; `samples` is filled again after the call. */
    void rows(byte[] samples, int count) throws IOException;

    /** All rows were there. */
    void finish() throws IOException;

    /** There will be no more rows: the result is to be thrown away. */
    void abort();
}
