package org.edgeir.restorer;

import java.nio.ByteBuffer;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.pixels.Bleed;
import org.edgeir.restorer.pixels.ImageSource;
import org.edgeir.restorer.pixels.Strip;
import org.edgeir.restorer.pixels.WindowPixels;
import org.edgeir.restorer.tiling.Plan;
import org.edgeir.restorer.tiling.Window;

/** The arrays that restoring by a plan needs: made once, used for all tiles; their size is known before. */
final class Buffers {
    /** Two: one is written while the next is filled. */
    static final int STRIPS = 2;
    /** What is made for single tiles on the way, in bytes per pixel of a tile: planes cut out and enlarged. */
    private static final int PASSING = 16;

    final Strip[] strips = new Strip[STRIPS];
    /** For each engine. */
    final ByteBuffer[] inputs;

    final ByteBuffer[][] outputs;

    Buffers(Plan plan, Facts facts, TensorSpec input, TensorSpec output, ImageSource source, int engines) {
        int height = plan.rows.size();
        int width = plan.columns.size();
        int runs = WindowPixels.runs(facts, source.colours());
        int size = Math.toIntExact(Strip.size(facts, source, mostRows(plan)));
        for (int index = 0; index < STRIPS; index++) strips[index] = new Strip(facts, output, source, new byte[size]);
        inputs = new ByteBuffer[engines];
        outputs = new ByteBuffer[engines][runs];
        for (int engine = 0; engine < engines; engine++) {
            inputs[engine] = Strip.output(WindowPixels.size(facts, input, height, width));
            for (int run = 0; run < runs; run++) {
                outputs[engine][run] = Strip.output(outputSize(facts, output, height, width));
            }
        }
    }

    /** Bytes of all arrays, that of the band included, and of what is made for single tiles. */
    static long bytes(Plan plan, Facts facts, TensorSpec input, TensorSpec output, ImageSource source, int engines) {
        int height = plan.rows.size();
        int width = plan.columns.size();
        long tile = (long) height * width * PASSING * facts.netScale() * facts.netScale()
                + WindowPixels.size(facts, input, height, width)
                + WindowPixels.runs(facts, source.colours()) * outputSize(facts, output, height, width);
        int most = 0;
        for (Window row : plan.rows.windows) {
            int[] span = WindowPixels.rows(facts, source.height(), row);
            most = Math.max(most, span[1] - span[0]);
        }
        int reach = source.hasAlpha() ? 2 * Bleed.reach(facts) : 0;
        int nearest = source.hasAlpha() ? Integer.SIZE / 8 : 0;
        long band = Math.min(most + reach, (long) source.height()) * source.width() * (source.planes() + nearest);
        return STRIPS * Strip.size(facts, source, mostRows(plan)) + band + engines * tile;
    }

    private static long outputSize(Facts facts, TensorSpec output, int height, int width) {
        return WindowPixels.size(facts, output, height * facts.netScale(), width * facts.netScale());
    }

    private static int mostRows(Plan plan) {
        int most = 0;
        for (Window row : plan.rows.windows) most = Math.max(most, row.last - row.first);
        return most;
    }
}
