package org.edgeir.app.bench;

import android.content.Context;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.edgeir.app.App;
import org.edgeir.app.models.Model;
import org.edgeir.restorer.CancelledException;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.tflite.Accelerator;
import org.edgeir.tflite.Engines;

/** Times one model file on one accelerator: one interpreter, one tile of noise, again and again. */
final class Benchmark {
    /** Hears how far it is. */
    interface Watcher {
        void progress(int permille);

        boolean cancelled();
    }

    /** Height and width of the input where the file takes any. */
    private static final int[] SIZE = {180, 320};

    private static final int LEAST_RUNS = 10;
    private static final int MOST_RUNS = 500;
    /** Nanoseconds for the single runs. */
    private static final long BUDGET = 20_000_000_000L;
    /** Nanoseconds of which a median is taken when it runs on and on. */
    private static final long TURN = 15_000_000_000L;

    private final Context context;
    private final Model model;
    private final Accelerator wanted;
    private final double minutes;
    private final long budget;
    private final Watcher watcher;
    private final Measured found = new Measured();

    Benchmark(Context context, Model model, Accelerator wanted, double minutes, Watcher watcher) {
        this(context, model, wanted, minutes, BUDGET, watcher);
    }

    /** With other nanoseconds for the single runs. */
    Benchmark(Context context, Model model, Accelerator wanted, double minutes, long budget, Watcher watcher) {
        this.context = context;
        this.model = model;
        this.wanted = wanted;
        this.minutes = minutes;
        this.budget = budget;
        this.watcher = watcher;
    }

    /** Runs all of it; the figures are of this thread's own clock. */
    Measured run() throws IOException {
        App app = App.of(context);
        found.batteryBefore = Phone.batteryCelsius(context);
        found.thermalMost = Phone.UNKNOWN;
        try (Bundle bundle = app.models().open(model)) {
            // Finds the verdict: it is not part of the time of loading.
            Engines.open(bundle, model.file, wanted, 1, app.verdicts()).close();
            long began = System.nanoTime();
            try (Engines engines = Engines.open(bundle, model.file, wanted, 1, app.verdicts())) {
                found.initMs = milliseconds(began);
                say(engines);
                Engine engine = engines.all().get(0);
                time(engine);
                found.golden = GoldenScore.of(bundle, model.file, engine, engines.verdict());
            }
        }
        found.batteryAfter = Phone.batteryCelsius(context);
        return found;
    }

    private void say(Engines engines) {
        found.accelerator = engines.accelerator();
        found.fellBack = found.accelerator != wanted;
        found.runtime = engines.verdict().title;
        found.verdict = engines.verdict().sentence();
        found.placed = engines.verdict().placed;
        StringBuilder notes = new StringBuilder();
        for (String note : engines.notes()) notes.append(notes.length() == 0 ? "" : " ").append(note);
        found.notes = notes.toString();
    }

    private void time(Engine engine) throws IOException {
        ModelFile file = model.file;
        Facts facts = model.facts;
        int[] size = file.size == null ? SIZE : file.size;
        int scale = facts.netScale();
        found.height = size[0] * scale;
        found.width = size[1] * scale;
        ByteBuffer input = noise(file.input, size[0] * size[1] * facts.channels());
        ByteBuffer output = ByteBuffer.allocateDirect(
                        found.height * found.width * facts.channels() * file.output.type.bytes)
                .order(ByteOrder.nativeOrder());
        found.firstMs = once(engine, input, output, size);
        List<Double> times = new ArrayList<>();
        long began = System.nanoTime();
        while (times.size() < LEAST_RUNS || (times.size() < MOST_RUNS && System.nanoTime() - began < budget)) {
            times.add(once(engine, input, output, size));
            double part = Math.max((System.nanoTime() - began) / (double) budget, times.size() / (double) MOST_RUNS);
            watcher.progress((int) ((minutes > 0 ? 200 : 1000) * Math.min(1, part)));
        }
        found.runsMs = array(times);
        if (minutes > 0) sustain(engine, input, output, size);
    }

    private void sustain(Engine engine, ByteBuffer input, ByteBuffer output, int[] size) throws IOException {
        long whole = (long) (minutes * 60e9);
        long began = System.nanoTime();
        List<Double> medians = new ArrayList<>();
        found.batteryMost = found.batteryBefore;
        while (medians.isEmpty() || System.nanoTime() - began < whole) {
            List<Double> times = new ArrayList<>();
            long turn = System.nanoTime();
            do {
                times.add(once(engine, input, output, size));
                watcher.progress((int) (200 + 800 * Math.min(1, (System.nanoTime() - began) / (double) whole)));
            } while (System.nanoTime() - turn < TURN && System.nanoTime() - began < whole);
            medians.add(Times.percentile(array(times), 0.5));
            found.sustainedRuns += times.size();
            found.thermalMost = Math.max(found.thermalMost, Phone.thermalStatus(context));
            double now = Phone.batteryCelsius(context);
            if (!(now <= found.batteryMost)) found.batteryMost = now;
        }
        found.sustainedMin = (System.nanoTime() - began) / 60e9;
        found.sustainedFirstMs = medians.get(0);
        found.sustainedLastMs = medians.get(medians.size() - 1);
    }

    private double once(Engine engine, ByteBuffer input, ByteBuffer output, int[] size) throws IOException {
        if (watcher.cancelled()) throw new CancelledException();
        input.rewind();
        output.clear();
        long began = System.nanoTime();
        engine.run(input, output, size[0], size[1]);
        double time = milliseconds(began);
        if (found.runsMs.length == 0) // while it does not run on and on
            found.thermalMost = Math.max(found.thermalMost, Phone.thermalStatus(context));
        return time;
    }

    private static ByteBuffer noise(TensorSpec spec, int values) {
        Random random = new Random(0);
        ByteBuffer input = ByteBuffer.allocateDirect(values * spec.type.bytes).order(ByteOrder.nativeOrder());
        for (int index = 0; index < values; index++) {
            if (spec.type == TensorSpec.Type.FLOAT32) input.putFloat(random.nextFloat());
            else input.put((byte) random.nextInt(256));
        }
        return input;
    }

    private static double[] array(List<Double> times) {
        double[] array = new double[times.size()];
        for (int index = 0; index < array.length; index++) array[index] = times.get(index);
        return array;
    }

    private static double milliseconds(long began) {
        return (System.nanoTime() - began) / 1e6;
    }
}
