package org.edgeir.restorer;

import java.util.List;

/** How images are restored. */
public final class Options {
    /** Engines in place of some that failed. */
    public interface Replacement {
        /** Called once, after a failure; null: there are none. */
        List<? extends Engine> after(EngineException failure) throws java.io.IOException;
    }

    /**
     * Side of the largest tile in pixels of the image; 0: the file's own size, or chosen where it takes any. A file of
     * one size is run in larger tiles than its own only where the engines take them and less time is spent, the check
     * of the golden image in such tiles included. Tiles are at most as large as a square of this side, and may be
     * longer.
     */
    public final int tile;
    /** Bytes that the restorer's own arrays may take, in the heap and beside it; the engines' memory is not counted. */
    public final long memoryBudget;

    public final Replacement replacement;

    private Options(int tile, long memoryBudget, Replacement replacement) {
        this.tile = tile;
        this.memoryBudget = memoryBudget;
        this.replacement = replacement;
    }

    /** Half of the heap that Java may use. */
    public static Options standard() {
        return new Options(0, Runtime.getRuntime().maxMemory() / 2, null);
    }

    public Options withTile(int tile) {
        return new Options(tile, memoryBudget, replacement);
    }

    public Options withMemoryBudget(long bytes) {
        return new Options(tile, bytes, replacement);
    }

    public Options withReplacement(Replacement replacement) {
        return new Options(tile, memoryBudget, replacement);
    }
}
