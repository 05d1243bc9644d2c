package org.edgeir.tflite;

import java.lang.reflect.InvocationTargetException;
import org.edgeir.restorer.EngineException;
import org.tensorflow.lite.Delegate;
import org.tensorflow.lite.nnapi.NnApiDelegate;

/** Makes TensorFlow Lite's delegates. That of the GPU is a package of its own, which an app may leave out. */
final class Delegates {
    private static final String GPU = "org.tensorflow.lite.gpu.GpuDelegate";

    private Delegates() {}

    /**
     * The delegate of an accelerator, to be closed after its interpreter; null for the CPU.
     *
     * @throws EngineException its classes or its library are not there, or it refuses this phone
     */
    static Delegate of(Accelerator accelerator) throws EngineException {
        try {
            switch (accelerator) {
                case GPU:
                    return (Delegate) Class.forName(GPU).getConstructor().newInstance();
                case NNAPI:
                    // Without it the delegate leaves all to the CPU, and says nothing.
                    System.loadLibrary("neuralnetworks");
                    return new NnApiDelegate(new NnApiDelegate.Options().setUseNnapiCpu(false));
                default:
                    return null;
            }
        } catch (ReflectiveOperationException | LinkageError | RuntimeException error) {
            Throwable cause = error instanceof InvocationTargetException ? error.getCause() : error;
            String what = cause instanceof LinkageError || cause instanceof ClassNotFoundException
                    ? "its classes or its library are not here"
                    : "it refuses this phone";
            throw new EngineException(what + " (" + cause + ")", cause);
        }
    }

    /** What TensorFlow Lite's Java interface says of where operators run. */
    static String placed(Accelerator accelerator) {
        if (accelerator == Accelerator.CPU) return "All operators on the CPU";
        return accelerator.title + " in use; TensorFlow Lite does not tell an app for which operators";
    }
}
