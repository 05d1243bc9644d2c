package org.edgeir.restorer.tiling;

/** One window along one axis, in pixels of the network's input: it reads [start, stop), gives [first, last). */
public final class Window {
    public final int start;
    public final int stop;
    public final int first;
    public final int last;

    public Window(int start, int stop, int first, int last) {
        this.start = start;
        this.stop = stop;
        this.first = first;
        this.last = last;
    }

    /** The same window without the pixels before `pixel`, which are there already. */
    public Window from(int pixel) {
        return pixel <= first ? this : new Window(start, stop, Math.min(pixel, last), last);
    }
}
