package org.edgeir.tflite;

/** Where TensorFlow Lite runs a model. */
public enum Accelerator {
    CPU("CPU (XNNPACK)"),
    GPU("GPU delegate"),
    /** Deprecated since Android 15; only where it is asked for. */
    NNAPI("NNAPI");

    /** For people. */
    public final String title;

    Accelerator(String title) {
        this.title = title;
    }
}
