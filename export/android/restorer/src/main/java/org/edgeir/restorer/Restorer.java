package org.edgeir.restorer;

import java.io.IOException;
import java.util.List;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.pixels.Bleed;
import org.edgeir.restorer.pixels.ImageSink;
import org.edgeir.restorer.pixels.ImageSource;
import org.edgeir.restorer.tiling.Plan;

/**
 * Restores images tile by tile, as {@code edgeir restore} does: the same tiles, colours and rounding.
 *
 * <p>The source is read by bands of rows and the sink is written by strips, so neither image is ever whole in memory.
 * Several engines of one file work on separate tiles. Where the memory does not suffice, tiles are halved and the work
 * goes on with the rows that are missing.
 */
public final class Restorer {
    private final Facts facts;
    private final int[] size;
    private final TensorSpec input;
    private final TensorSpec output;
    private final Options options;
    private List<? extends Engine> engines;

    /** With engines that have all loaded `file`; the restorer does not close them. */
    public Restorer(Facts facts, ModelFile file, List<? extends Engine> engines, Options options) {
        this(facts, file.size, file.input, file.output, engines, options);
    }

    /**
     * With engines of a file that no bundle describes.
     *
     * @param size the only height and width that the file takes; null: any
     */
    public Restorer(
            Facts facts,
            int[] size,
            TensorSpec input,
            TensorSpec output,
            List<? extends Engine> engines,
            Options options) {
        if (engines.isEmpty()) throw new IllegalArgumentException("there is no engine");
        this.facts = facts;
        this.size = size;
        this.input = input;
        this.output = output;
        this.engines = engines;
        this.options = options;
    }

    /**
     * Restores one image; one at a time.
     *
     * @throws CancelledException the watcher asked for it; the sink was told to throw away what it has
     * @throws RestoreException the image cannot be restored; the same
     * @throws IOException the source cannot be read, or the sink not be written; the same
     */
    public Result restore(ImageSource source, ImageSink sink, Watcher watcher) throws IOException {
        boolean done = false;
        try {
            if (source.width() < 1 || source.height() < 1) throw new RestoreException("The image has no pixels.");
            Result result = run(source, sink, watcher);
            done = true;
            return result;
        } catch (ArithmeticException error) {
            throw new RestoreException(
                    "The image is too large: " + source.width() + "×" + source.height() + " pixels.", error);
        } finally {
            if (!done) sink.abort();
        }
    }

    private Result run(ImageSource source, ImageSink sink, Watcher watcher) throws IOException {
        Tiles tiles = fitting(Tiles.first(facts, wanted(source), options.tile), source);
        Options.Replacement replacement = options.replacement;
        Bleed bleed = Bleed.of(source, facts);
        sink.begin(
                Math.multiplyExact(source.width(), facts.scale),
                Math.multiplyExact(source.height(), facts.scale),
                source.colours(),
                source.hasAlpha());
        Progress progress = new Progress(watcher);
        long memory = 0;
        Plan plan = null;
        for (boolean missing = true; missing; ) {
            plan = tiles.plan(source.height(), source.width());
            memory = Math.max(memory, bytes(plan, source));
            try {
                new Pass(facts, input, output, engines, plan, source, bleed, sink, progress).run();
                missing = false;
            } catch (OutOfMemoryError error) {
                tiles = usable(tiles.halved(), source);
                if (tiles == null) throw tooLarge(error);
                Plan now = tiles.plan(source.height(), source.width());
                String sides = now.columns.size() + "×" + now.rows.size();
                progress.note("The memory did not suffice: tiles of " + sides + " now.");
            } catch (EngineException error) {
                List<? extends Engine> others = replacement == null ? null : replacement.after(error);
                if (others == null || others.isEmpty()) throw error;
                String failed = engines.get(0).title() + " failed (" + error.getMessage() + ")";
                progress.note(failed + ": " + others.get(0).title() + " now.");
                engines = others;
                replacement = null;
                tiles = fitting(tiles, source); // there may be more of them
            }
        }
        progress.check(); // also who cancels while the last rows are written gets no result
        sink.finish();
        return new Result(
                source.width() * facts.scale,
                source.height() * facts.scale,
                progress.tiles(),
                plan.rows.size(),
                plan.columns.size(),
                memory);
    }

    private static RestoreException tooLarge(OutOfMemoryError error) {
        return new RestoreException(
                "The memory does not suffice for the smallest tile: close other apps, or use a smaller image.", error);
    }

    /** The size of the first tiles; null: the file takes any. */
    private int[] wanted(ImageSource source) throws IOException {
        if (size == null || options.tile == 0 || !facts.globalOperations.isEmpty()) return size;
        Plan own = Tiles.first(facts, size, 0).planOrNull(source.height(), source.width());
        Plan plan = Tiles.first(facts, null, options.tile).planOrNull(source.height(), source.width());
        if (plan == null) return size;
        long asked = (long) options.tile * facts.inputScale();
        if (own != null && asked * asked >= area(own) && !saves(plan, own)) return size;
        int[] other = {plan.rows.size(), plan.columns.size()};
        for (Engine engine : engines) if (!engine.takes(other[0], other[1])) return size;
        return other;
    }

    /** Whether other tiles take less time than the file's own, in pixels for each engine; they are checked first. */
    private boolean saves(Plan other, Plan own) {
        long check = area(other) + area(own); // the golden image, of the file's own size, in such tiles
        return time(other) + check < time(own);
    }

    private long time(Plan plan) {
        int turns = (plan.columns.windows.size() + engines.size() - 1) / engines.size(); // a row is done before the next
        return turns * plan.rows.windows.size() * area(plan);
    }

    private static long area(Plan plan) {
        return (long) plan.rows.size() * plan.columns.size();
    }

    /** The largest tiles that the budget allows. */
    private Tiles fitting(Tiles first, ImageSource source) throws IOException {
        Tiles tiles = first;
        long needed = bytes(tiles.plan(source.height(), source.width()), source);
        while (needed > options.memoryBudget) {
            Tiles next = usable(tiles.lower(), source);
            if (next == null) {
                throw new RestoreException("The image needs " + mib(needed) + " MiB even in the smallest tiles, and "
                        + mib(options.memoryBudget) + " are allowed: use a smaller image.");
            }
            tiles = next;
            needed = bytes(tiles.plan(source.height(), source.width()), source);
        }
        return tiles;
    }

    /** The same tiles, or null where they are too small for the network or the engines do not take them. */
    private Tiles usable(Tiles next, ImageSource source) throws IOException {
        Plan plan = next == null ? null : next.planOrNull(source.height(), source.width());
        if (plan == null) return null;
        for (Engine engine : engines)
            if (size != null && !engine.takes(plan.rows.size(), plan.columns.size())) return null;
        return next;
    }

    private long bytes(Plan plan, ImageSource source) {
        return Buffers.bytes(plan, facts, input, output, source, engines.size());
    }

    private static long mib(long bytes) {
        return (bytes + (1 << 20) - 1) >> 20;
    }
}
