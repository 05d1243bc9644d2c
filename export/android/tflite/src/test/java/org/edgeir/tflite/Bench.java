package org.edgeir.tflite;

import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.Result;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.check.VerdictStore;
import org.edgeir.restorer.pixels.ArrayImage;
import org.edgeir.restorer.pixels.ImageSink;

/** Times of whole images: one and two interpreters, tiles, the file's own tiles, one piece. benchmarks/android_jvm.py starts it. */
public final class Bench {
    private Bench() {}

    /** Bundle, precision, width and height of the image, side of the tiles, repeats; prints one line of JSON. */
    public static void main(String[] words) throws IOException {
        int width = Integer.parseInt(words[2]);
        int height = Integer.parseInt(words[3]);
        int tile = Integer.parseInt(words[4]);
        int repeats = Integer.parseInt(words[5]);
        ArrayImage image = TestData.image(width, height, 3, false, 1);
        File verdicts = File.createTempFile("verdicts", null);
        VerdictStore store = new VerdictStore(verdicts, "a JVM");
        double[][] seconds = new double[4][repeats];
        String title = "";
        Result tiled = null;
        Result own = null;
        try (Bundle bundle = Bundle.open(new File(words[0]))) {
            // One interpreter, two, one over the whole image, one in the file's own tiles.
            for (int kind = 0; kind < 4; kind++) {
                int side = kind < 2 ? tile : kind == 2 ? 2 * Math.max(width, height) : 0;
                Options options = Options.standard().withTile(side).withMemoryBudget(Long.MAX_VALUE);
                try (Engines engines = Engines.open(
                        bundle, bundle.manifest.file("tflite", words[1]), Accelerator.CPU, kind == 1 ? 2 : 1, store)) {
                    for (int repeat = -1; repeat < repeats; repeat++) {
                        long began = System.nanoTime();
                        Result result = engines.restorer(options).restore(image, new Nothing(), Watcher.NONE);
                        if (repeat >= 0) seconds[kind][repeat] = (System.nanoTime() - began) / 1e9;
                        if (kind == 0) tiled = result;
                        if (kind == 3) own = result;
                        if (kind == 2 && result.tiles != 1) throw new IOException(result.tiles + " tiles, not one");
                    }
                    title = engines.verdict().title;
                }
            }
        } finally {
            verdicts.delete();
        }
        for (double[] one : seconds) Arrays.sort(one);
        System.out.println(String.format(
                Locale.ROOT,
                "{\"engine\": \"%s\", \"tiles\": %d, \"tile\": [%d, %d], "
                        + "\"own_tiles\": %d, \"own_tile\": [%d, %d], "
                        + "\"one_s\": %s, \"two_s\": %s, \"whole_s\": %s, \"own_s\": %s}",
                title,
                tiled.tiles,
                tiled.tileHeight,
                tiled.tileWidth,
                own.tiles,
                own.tileHeight,
                own.tileWidth,
                Arrays.toString(seconds[0]),
                Arrays.toString(seconds[1]),
                Arrays.toString(seconds[2]),
                Arrays.toString(seconds[3])));
    }

    /** Writing a PNG would be timed too. */
    static final class Nothing implements ImageSink {
        @Override
        public void begin(int width, int height, int colours, boolean hasAlpha) {}

        @Override
        public void rows(byte[] samples, int count) {}

        @Override
        public void finish() {}

        @Override
        public void abort() {}
    }
}
