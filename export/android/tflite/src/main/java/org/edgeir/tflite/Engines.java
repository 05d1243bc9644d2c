package org.edgeir.tflite;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.EngineException;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.RestoreException;
import org.edgeir.restorer.Restorer;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.check.GoldenCheck;
import org.edgeir.restorer.check.Verdict;
import org.edgeir.restorer.check.VerdictStore;

/**
 * The engines of one model file on this phone: on the accelerator that is asked for if it passes the golden image, else
 * on the CPU. {@link #notes} says why.
 */
public final class Engines implements Closeable {
    private final Bundle bundle;
    private final ModelFile file;
    private final GoldenCheck check;
    private final Loader loader;
    private final int onCpu;
    private final VerdictStore store;
    private final String version;
    private final List<Engine> opened = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    /** Sizes of tiles that were checked, and what was found. */
    private final Map<String, Boolean> sizes = new HashMap<>();
    private List<Engine> current = Collections.emptyList();
    private Accelerator accelerator;
    private Verdict verdict;

    /** Loads the file once more. */
    interface Loader {
        Engine load(Accelerator accelerator, TfliteEngine.SizeCheck sizes) throws EngineException, ModelException;
    }

    private Engines(Bundle bundle, ModelFile file, int onCpu, VerdictStore store, Loader loader) throws IOException {
        if (!file.target.equals("tflite") || file.problem != null) {
            throw new ModelException(file.path + " cannot run on TensorFlow Lite: "
                    + (file.problem == null ? "it is " + file.target : file.problem));
        }
        this.bundle = bundle;
        this.file = file;
        this.onCpu = Math.max(1, onCpu);
        this.store = store;
        this.version = TfliteEngine.version();
        this.check = GoldenCheck.of(bundle, file);
        this.loader = loader;
    }

    /**
     * Opens engines; the golden image is run where no verdict is kept.
     *
     * @param wanted the CPU is taken where this one is absent or wrong
     * @param onCpu interpreters on the CPU, each on tiles of its own: the number of fast cores
     * @throws ModelException the file is damaged, not what the manifest says, or wrong even on the CPU
     * @throws EngineException TensorFlow Lite itself is not there
     */
    public static Engines open(Bundle bundle, ModelFile file, Accelerator wanted, int onCpu, VerdictStore store)
            throws IOException {
        byte[] bytes = bundle.read(file.path);
        ByteBuffer model = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
        model.put(bytes).rewind();
        return open(
                bundle,
                file,
                wanted,
                onCpu,
                store,
                (accelerator, sizes) -> TfliteEngine.load(accelerator, bundle.manifest.facts, file, model, sizes));
    }

    /** With engines from elsewhere, for tests. */
    static Engines open(Bundle bundle, ModelFile file, Accelerator wanted, int onCpu, VerdictStore store, Loader loader)
            throws IOException {
        Engines engines = new Engines(bundle, file, onCpu, store, loader);
        try {
            if (wanted == Accelerator.CPU || !engines.accelerate(wanted)) engines.useCpu();
            return engines;
        } catch (IOException | RuntimeException | Error error) {
            engines.close();
            throw error;
        }
    }

    /** Where the model runs. */
    public Accelerator accelerator() {
        return accelerator;
    }

    /** Of the engines in use. */
    public Verdict verdict() {
        return verdict;
    }

    /** What the user should see, one sentence each: which accelerator is not used, and why. */
    public List<String> notes() {
        return Collections.unmodifiableList(notes);
    }

    /** The engines in use. */
    public List<Engine> all() {
        return Collections.unmodifiableList(current);
    }

    /** A restorer on these engines, which goes on with the CPU where the accelerator fails later. */
    public Restorer restorer(Options options) {
        List<Engine> given = current;
        return new Restorer(
                bundle.manifest.facts,
                file,
                given,
                options.withReplacement(failure -> given == current ? replace(failure) : current));
    }

    @Override
    public void close() {
        for (Engine engine : opened) close(engine);
        opened.clear();
    }

    /** After a failure in the middle of an image: never again on this phone, until something is updated. */
    private List<Engine> replace(EngineException failure) throws IOException {
        if (accelerator == Accelerator.CPU) return null;
        Verdict failed = Verdict.failed(verdict.title, "failed on an image: " + failure.getMessage(), verdict.placed);
        store.put(version, accelerator.name(), file.sha256, failed);
        for (Engine engine : current) close(engine); // the CPU's engines need the memory
        notes.add(failed.sentence() + " The CPU is used.");
        useCpu();
        return current;
    }

    private boolean accelerate(Accelerator wanted) throws IOException {
        if (check == null) {
            notes.add(wanted.title + " is not used: " + file.path + " has no golden image to check it with.");
            return false;
        }
        Verdict known = store.known(version, wanted.name(), file.sha256);
        if (known != null && !known.passed) {
            notes.add(known.sentence() + " The CPU is used.");
            return false;
        }
        if (known == null) store.begin(version, wanted.name(), file.sha256);
        Verdict found = known;
        Engine engine = null;
        try {
            engine = load(wanted);
            if (known == null) found = check.run(engine, Delegates.placed(wanted));
        } catch (EngineException | OutOfMemoryError error) {
            found = Verdict.failed(wanted.title, "cannot be used, " + error.getMessage(), "Nothing is placed on it");
        }
        if (found != known) store.put(version, wanted.name(), file.sha256, found);
        if (!found.passed || engine == null) {
            if (engine != null) close(engine);
            notes.add(found.sentence() + " The CPU is used.");
            return false;
        }
        use(wanted, Collections.singletonList(engine), found);
        return true;
    }

    private void useCpu() throws IOException {
        List<Engine> engines = new ArrayList<>();
        try {
            for (int index = 0; index < onCpu; index++) engines.add(load(Accelerator.CPU));
        } catch (EngineException error) {
            throw new ModelException(file.path + " cannot be loaded: " + error.getMessage(), error);
        }
        Verdict found = store.known(version, Accelerator.CPU.name(), file.sha256);
        if (check == null) {
            String what = "not checked, the file has no golden image";
            found = new Verdict(
                    engines.get(0).title(),
                    true,
                    what,
                    Double.NaN,
                    Double.NaN,
                    Double.NaN,
                    Delegates.placed(Accelerator.CPU));
        } else if (found == null || !found.passed) {
            found = check.run(engines.get(0), Delegates.placed(Accelerator.CPU));
            store.put(version, Accelerator.CPU.name(), file.sha256, found);
        }
        if (!found.passed) {
            throw new ModelException(file.path + " computes something else here than where it was exported. "
                    + found.sentence() + " Report it with the name of the phone.");
        }
        use(Accelerator.CPU, engines, found);
    }

    private Engine load(Accelerator wanted) throws IOException {
        Engine engine = loader.load(wanted, (tried, height, width) -> right(tried, wanted, height, width));
        opened.add(engine);
        return engine;
    }

    /** Whether tiles of another size give the golden image; engines on one accelerator are alike, so one is asked. */
    private boolean right(Engine tried, Accelerator on, int height, int width) throws IOException {
        if (check == null) return false;
        String tile = on.name() + " " + height + "×" + width;
        Boolean known = sizes.get(tile);
        if (known == null) {
            try {
                known = check.inTiles(tried, height, width);
            } catch (RestoreException error) { // it fails, or the size is too small for the network
                known = false;
            }
            sizes.put(tile, known);
        }
        return known;
    }

    private static void close(Engine engine) {
        try {
            engine.close();
        } catch (IOException error) {
            // there is nothing left that could be done
        }
    }

    private void use(Accelerator used, List<Engine> engines, Verdict found) {
        accelerator = used;
        current = engines;
        verdict = found;
    }
}
