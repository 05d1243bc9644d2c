package org.edgeir.app.queue;

import android.app.ActivityManager;
import android.content.Context;
import org.edgeir.tflite.Accelerator;
import org.edgeir.tflite.Engines;

/** How large tiles may be: large ones overlap less, and every interpreter has memory of its own for one. */
final class TileSide {
    private static final int[] SIDES = {384, 256};
    /** Bytes that an interpreter takes for a pixel of its tile: a little more than sr-x4 in fp32 (docs/android.md). */
    static final long BYTES = 3000;
    /** Bytes that all interpreters may take for larger tiles than the file's. */
    static final long MOST = 800_000_000;

    private TileSide() {}

    /** For `Options.withTile`; 0: the file's own tiles. */
    static int of(Context context, Engines engines) {
        if (engines.accelerator() != Accelerator.CPU) return 0; // a delegate may be bound to the file's size
        ActivityManager manager = context.getSystemService(ActivityManager.class);
        ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
        manager.getMemoryInfo(info);
        if (info.lowMemory || manager.isLowRamDevice()) return 0;
        return side(info.availMem, engines.all().size());
    }

    /** Half of the free memory stays free. */
    static int side(long free, int engines) {
        for (int side : SIDES) if (BYTES * side * side * engines <= Math.min(free / 2, MOST)) return side;
        return 0;
    }
}
