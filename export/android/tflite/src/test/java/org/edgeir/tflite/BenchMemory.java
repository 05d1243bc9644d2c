package org.edgeir.tflite;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.edgeir.restorer.Options;
import org.edgeir.restorer.Result;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.Watcher;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.check.VerdictStore;
import org.edgeir.restorer.pixels.ArrayImage;

/**
 * What one interpreter adds to the memory of the process in tiles of a size, Java's heap not counted: it is touched
 * before. benchmarks/android_jvm.py starts it, with -Xms as -Xmx and -XX:+AlwaysPreTouch.
 */
public final class BenchMemory {
    private static final int SIDE = 720;

    private BenchMemory() {}

    /** Bundle, path of the file, side of the tiles (0: the file's own); prints one line of JSON. */
    public static void main(String[] words) throws IOException {
        int side = Integer.parseInt(words[2]);
        ArrayImage image = TestData.image(SIDE, SIDE, 3, false, 1);
        File verdicts = File.createTempFile("verdicts", null);
        try (Bundle bundle = Bundle.open(new File(words[0]))) {
            ModelFile file = null;
            for (ModelFile one : bundle.manifest.files) if (one.path.equals(words[1])) file = one;
            long before = kilobytes("VmRSS");
            try (Engines engines =
                    Engines.open(bundle, file, Accelerator.CPU, 1, new VerdictStore(verdicts, "a JVM"))) {
                Options options = Options.standard().withTile(side).withMemoryBudget(Long.MAX_VALUE);
                Result result = engines.restorer(options).restore(image, new Bench.Nothing(), Watcher.NONE);
                System.out.println(String.format(
                        Locale.ROOT,
                        "{\"tile\": [%d, %d], \"added_mib\": %.1f}",
                        result.tileHeight,
                        result.tileWidth,
                        (kilobytes("VmHWM") - before) / 1024.0));
            }
        } finally {
            verdicts.delete();
        }
    }

    private static long kilobytes(String name) throws IOException {
        String status = new String(Files.readAllBytes(Paths.get("/proc/self/status")), StandardCharsets.UTF_8);
        Matcher found = Pattern.compile(name + ":\\s*(\\d+) kB").matcher(status);
        if (!found.find()) throw new IOException("no " + name);
        return Long.parseLong(found.group(1));
    }
}
