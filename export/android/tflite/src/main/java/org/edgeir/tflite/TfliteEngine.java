package org.edgeir.tflite;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.TensorSpec;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Delegate;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.TensorFlowLite;

/**
 * One interpreter of TensorFlow Lite on one accelerator.
 *
 * <p>It lives on a thread of its own: a GPU delegate must be run by the thread that made it. Several threads for one
 * interpreter do not reach XNNPACK in 2.16.1; several engines on separate tiles do.
 */
public final class TfliteEngine implements Engine {
    /** Whether tiles of another size give the same image. */
    interface SizeCheck {
        boolean right(Engine engine, int height, int width) throws java.io.IOException;
    }

    private final Accelerator accelerator;
    private final Facts facts;
    private final ModelFile file;
    private final SizeCheck check;
    private final ExecutorService thread;
    private Interpreter interpreter;
    private Delegate delegate;
    private int[] size;

    private TfliteEngine(Accelerator accelerator, Facts facts, ModelFile file, SizeCheck check) {
        this.accelerator = accelerator;
        this.facts = facts;
        this.file = file;
        this.check = check;
        thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, "edgeir-tflite");
            made.setDaemon(true);
            return made;
        });
    }

    /**
     * Loads a model.
     *
     * @param model direct; may be shared by several engines
     * @throws EngineException the accelerator or the library is not there, or refuses the file
     * @throws ModelException the file is not what the manifest says
     */
    static TfliteEngine load(Accelerator accelerator, Facts facts, ModelFile file, ByteBuffer model, SizeCheck check)
            throws EngineException, ModelException {
        TfliteEngine engine = new TfliteEngine(accelerator, facts, file, check);
        try {
            String problem = engine.onThread(() -> engine.open(model));
            if (problem != null)
                throw new ModelException(
                        file.path + " is not what the manifest says: " + problem + ". Export it again.");
            return engine;
        } catch (EngineException | ModelException | RuntimeException | Error error) {
            engine.close();
            throw error;
        }
    }

    /** The version of the library; for phones that have none an error. */
    static String version() throws EngineException {
        try {
            return TensorFlowLite.runtimeVersion();
        } catch (RuntimeException | LinkageError error) {
            throw new EngineException(
                    "TensorFlow Lite's library is not in the app (" + error.getMessage() + ")", error);
        }
    }

    /** What is wrong with the file, or null. */
    private String open(ByteBuffer model) throws EngineException {
        version();
        delegate = Delegates.of(accelerator);
        Interpreter.Options options = new Interpreter.Options().setNumThreads(1);
        if (delegate != null) options.addDelegate(delegate);
        interpreter = new Interpreter(model, options);
        interpreter.allocateTensors();
        if (interpreter.getInputTensorCount() != 1 || interpreter.getOutputTensorCount() != 1)
            return "it has several inputs or outputs";
        int[] shape = interpreter.getInputTensor(0).shape();
        size = shape.length == 4 ? new int[] {shape[1], shape[2]} : new int[] {0, 0};
        if (file.size != null && !Arrays.equals(size, file.size)) return "it takes " + size[1] + "×" + size[0];
        String input = problem(interpreter.getInputTensor(0), file.input, 1);
        return input != null ? input : problem(interpreter.getOutputTensor(0), file.output, facts.netScale());
    }

    private String problem(Tensor tensor, TensorSpec spec, int scale) {
        int[] expected = {1, size[0] * scale, size[1] * scale, facts.channels()};
        if (!Arrays.equals(tensor.shape(), expected)) {
            return "a tensor is " + Arrays.toString(tensor.shape()) + ", not " + Arrays.toString(expected);
        }
        DataType type = spec.type == TensorSpec.Type.FLOAT32
                ? DataType.FLOAT32
                : spec.type == TensorSpec.Type.INT8 ? DataType.INT8 : DataType.UINT8;
        if (tensor.dataType() != type) return "a tensor is " + tensor.dataType() + ", not " + type;
        if (type == DataType.FLOAT32) return null;
        Tensor.QuantizationParams found = tensor.quantizationParams();
        boolean same =
                Math.abs(found.getScale() - spec.scale) <= 1e-6f * spec.scale && found.getZeroPoint() == spec.zeroPoint;
        return same ? null : "a tensor is quantised by " + found.getScale() + " and " + found.getZeroPoint();
    }

    @Override
    public String title() {
        return "TensorFlow Lite " + TensorFlowLite.runtimeVersion() + ", " + accelerator.title;
    }

    /** Tiles of another size are taken where the resized network gives the golden image in them. */
    @Override
    public boolean takes(int height, int width) throws java.io.IOException {
        if (file.size != null && height == file.size[0] && width == file.size[1]) return true;
        try {
            return check.right(this, height, width);
        } catch (OutOfMemoryError error) { // there may be more of it for the next image
            return false;
        }
    }

    @Override
    public void run(ByteBuffer input, ByteBuffer output, int height, int width) throws EngineException {
        onThread(() -> {
            if (size[0] != height || size[1] != width) resize(height, width);
            output.clear(); // it is filled from its position on
            interpreter.run(input, output);
            output.clear();
            return null;
        });
    }

    private void resize(int height, int width) throws EngineException {
        // A delegate that is bound to its size refuses here, and nothing has changed then.
        interpreter.resizeInput(0, new int[] {1, height, width, facts.channels()});
        size = new int[] {0, 0}; // unknown, should the next lines fail
        interpreter.allocateTensors();
        int[] made = interpreter.getOutputTensor(0).shape();
        int scale = facts.netScale();
        if (!Arrays.equals(made, new int[] {1, height * scale, width * scale, facts.channels()})) {
            throw new EngineException(
                    "of " + width + "×" + height + " pixels the network makes " + Arrays.toString(made));
        }
        size = new int[] {height, width};
    }

    private <T> T onThread(Callable<T> work) throws EngineException {
        Future<T> future;
        try {
            future = thread.submit(work);
        } catch (RejectedExecutionException error) {
            throw new EngineException("the engine was closed", error);
        }
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException error) {
                    interrupted = true; // the buffers are in use until the run is over
                }
            }
        } catch (ExecutionException error) {
            throw translated(error.getCause());
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /** TensorFlow Lite says all that goes wrong by runtime exceptions. */
    private EngineException translated(Throwable cause) {
        if (cause instanceof EngineException) return (EngineException) cause;
        if (cause instanceof OutOfMemoryError) throw (OutOfMemoryError) cause;
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        String lower = message.toLowerCase(Locale.ROOT);
        if (lower.contains("out of memory") || lower.contains("failed to allocate") || lower.contains("bad_alloc")) {
            OutOfMemoryError error = new OutOfMemoryError(message);
            error.initCause(cause);
            throw error;
        }
        if (cause instanceof Error && !(cause instanceof LinkageError)) throw (Error) cause;
        int line = message.indexOf('\n');
        return new EngineException(line < 0 ? message : message.substring(0, line), cause);
    }

    @Override
    public void close() {
        if (thread.isShutdown()) return;
        Future<?> closing = thread.submit(() -> {
            if (interpreter != null) interpreter.close();
            if (delegate instanceof AutoCloseable) ((AutoCloseable) delegate).close();
            return null;
        });
        thread.shutdown();
        try {
            closing.get();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException error) {
            // there is nothing left that could be done
        }
    }
}
