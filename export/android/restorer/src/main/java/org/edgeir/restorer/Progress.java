package org.edgeir.restorer;

/** What is done, over all passes; the watcher is called by one thread at a time. */
final class Progress {
    private final Watcher watcher;
    /** Rows of the network's input whose results were written. */
    private int rows;

    private int tiles;
    private int total;

    Progress(Watcher watcher) {
        this.watcher = watcher;
    }

    int rows() {
        return rows;
    }

    /** Results up to this row were written. */
    void written(int last) {
        rows = last;
    }

    synchronized int tiles() {
        return tiles;
    }

    /** So many tiles are missing. */
    synchronized void begin(int missing) {
        total = tiles + missing;
        watcher.progress(tiles, total);
    }

    /** @throws CancelledException the app asked for it */
    synchronized void check() throws CancelledException {
        if (watcher.cancelled()) throw new CancelledException();
    }

    synchronized void tileDone() {
        tiles++;
        watcher.progress(tiles, total);
    }

    synchronized void note(String what) {
        watcher.note(what);
    }
}
