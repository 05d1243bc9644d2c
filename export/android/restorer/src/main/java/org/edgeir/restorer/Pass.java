package org.edgeir.restorer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.pixels.Band;
import org.edgeir.restorer.pixels.Bleed;
import org.edgeir.restorer.pixels.ImageSink;
import org.edgeir.restorer.pixels.ImageSource;
import org.edgeir.restorer.pixels.Strip;
import org.edgeir.restorer.pixels.WindowPixels;
import org.edgeir.restorer.tiling.Plan;
import org.edgeir.restorer.tiling.Window;

/** One pass over the missing rows, with tiles of one size: a strip is written while the next one is computed. */
final class Pass {
    private final Facts facts;
    private final TensorSpec input;
    private final TensorSpec output;
    private final List<? extends Engine> engines;
    private final Plan plan;
    private final ImageSource source;
    private final Bleed bleed;
    private final ImageSink sink;
    private final Progress progress;

    Pass(
            Facts facts,
            TensorSpec input,
            TensorSpec output,
            List<? extends Engine> engines,
            Plan plan,
            ImageSource source,
            Bleed bleed,
            ImageSink sink,
            Progress progress) {
        this.facts = facts;
        this.input = input;
        this.output = output;
        this.engines = engines;
        this.plan = plan;
        this.source = source;
        this.bleed = bleed;
        this.sink = sink;
        this.progress = progress;
    }

    /** @throws OutOfMemoryError the tiles are too large; what `progress` says is written */
    void run() throws IOException {
        List<Window> rows = new ArrayList<>();
        for (Window row : plan.rows.windows) if (row.last > progress.rows()) rows.add(row.from(progress.rows()));
        progress.begin(rows.size() * plan.columns.windows.size());
        Buffers buffers = new Buffers(plan, facts, input, output, source, engines.size());
        WindowPixels pixels = new WindowPixels(facts, input, source.colours());
        Band band = new Band(source);
        Crew crew = new Crew(engines.size());
        Crew.Row working = null;
        try {
            Strip finished = null;
            for (int index = 0; index < rows.size(); index++) {
                Window row = rows.get(index);
                progress.check();
                read(band, row);
                Strip strip = buffers.strips[index % Buffers.STRIPS];
                strip.begin(row);
                working = crew.begin(plan.columns.windows.size(), (engine, tile) -> {
                    progress.check();
                    run(engine, row, plan.columns.windows.get(tile), band, pixels, buffers, strip);
                    progress.tileDone();
                });
                write(finished, index == 0 ? null : rows.get(index - 1));
                finished = null; // where a tile fails, what was written is not written again
                working.await();
                working = null;
                finished = strip;
            }
            write(finished, rows.get(rows.size() - 1));
        } finally {
            if (working != null) working.stop();
            crew.close();
        }
    }

    private void read(Band band, Window row) throws IOException {
        int[] span = WindowPixels.rows(facts, source.height(), row);
        int reach = bleed == null ? 0 : bleed.reach();
        band.read(source, Math.max(0, span[0] - reach), Math.min(source.height(), span[1] + reach));
        if (bleed != null) bleed.apply(band, span[0], span[1]);
    }

    private void run(
            int engine, Window row, Window column, Band band, WindowPixels pixels, Buffers buffers, Strip strip)
            throws IOException {
        ByteBuffer given = buffers.inputs[engine];
        ByteBuffer[] made = buffers.outputs[engine];
        for (int run = 0; run < made.length; run++) {
            pixels.fill(band, row, column, run, given);
            made[run].clear();
            engines.get(engine).run(given, made[run], row.stop - row.start, column.stop - column.start);
        }
        strip.put(band, made, row, column);
    }

    private void write(Strip strip, Window row) throws IOException {
        if (strip == null) return;
        progress.check();
        try {
            sink.rows(strip.samples(), strip.count());
        } catch (OutOfMemoryError error) { // it may have taken some of the rows: they cannot be given again
            throw new RestoreException("The memory does not suffice for writing the result: close other apps.", error);
        }
        progress.written(row.last);
    }
}
