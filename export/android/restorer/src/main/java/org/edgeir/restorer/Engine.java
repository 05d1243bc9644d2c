package org.edgeir.restorer;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** One loaded model file. The only thing that the library asks of whatever runs networks. */
public interface Engine extends Closeable {
    /** For people: "TensorFlow Lite 2.16.1, CPU (XNNPACK)". */
    String title();

    /** Whether it takes windows of this size; asked before a size other than the file's own is used. */
    boolean takes(int height, int width) throws IOException;

    /**
     * One run. An engine is called by one thread at a time, which need not be the same each time.
     *
     * @param input direct, in native byte order, [1, height, width, channels] in the type of the file's input
     * @param output direct, in native byte order, of the size of the output, to be filled from 0 on
     * @throws EngineException it fails
     * @throws OutOfMemoryError the memory does not suffice for this size
     */
    void run(ByteBuffer input, ByteBuffer output, int height, int width) throws EngineException;
}
