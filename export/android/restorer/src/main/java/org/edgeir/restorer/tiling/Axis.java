package org.edgeir.restorer.tiling;

import java.util.Collections;
import java.util.List;

/** The windows along one axis; together they read [begin, end) of an image that has the pixels [0, length). */
public final class Axis {
    public final int length;
    public final int begin;
    public final int end;
    public final List<Window> windows;

    Axis(int length, int begin, int end, List<Window> windows) {
        this.length = length;
        this.begin = begin;
        this.end = end;
        this.windows = Collections.unmodifiableList(windows);
    }

    /** Of every window. */
    public int size() {
        return windows.get(0).stop - windows.get(0).start;
    }

    /** The pixel of an axis of `size` pixels at `index`: beyond an end they come back, the last one first. */
    public static int reflected(int index, int size) {
        int inside = Math.floorMod(index, 2 * size);
        return inside >= size ? 2 * size - 1 - inside : inside;
    }
}
