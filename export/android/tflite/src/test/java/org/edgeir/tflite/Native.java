package org.edgeir.tflite;

import static org.junit.Assume.assumeTrue;

import java.io.File;

/** TensorFlow Lite's library in this JVM. */
final class Native {
    private Native() {}

    /** Skips the test where it is not there. */
    static void needed() {
        File library = new File(System.getProperty("edgeir.data"), "native/libbionic.so");
        assumeTrue(
                library + " is not there: make android, or python -m edgeir.devices.runner.jvm " + library.getParent()
                        + " (Linux on x86-64; apt-get install gcc libc6-dev)",
                library.isFile());
    }
}
