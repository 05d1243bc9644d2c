package org.edgeir.restorer;

/** What was restored, and how. */
public final class Result {
    public final int width;
    public final int height;
    /** Number of tiles that were run. */
    public final int tiles;
    /** Of the last tiles, in pixels of the network's input. */
    public final int tileHeight;

    public final int tileWidth;
    /** Bytes of the restorer's own arrays, at most. */
    public final long memory;

    Result(int width, int height, int tiles, int tileHeight, int tileWidth, long memory) {
        this.width = width;
        this.height = height;
        this.tiles = tiles;
        this.tileHeight = tileHeight;
        this.tileWidth = tileWidth;
        this.memory = memory;
    }
}
