package org.edgeir.app.bench;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.content.Intent;
import android.net.Uri;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Iterator;
import java.util.Set;
import java.util.TreeSet;
import org.edgeir.app.AppTest;
import org.edgeir.app.R;
import org.edgeir.app.User;
import org.edgeir.app.models.Model;
import org.edgeir.tflite.Accelerator;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.Before;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadows.ShadowBuild;

/** The benchmark: its screen, its figures, and its file, which Python reads (tests/reporting/test_app_result.py). */
public class BenchmarkTest extends AppTest {
    @Before
    public void setUp() {
        ShadowBuild.setModel("Made-up Phone");
        ShadowBuild.setManufacturer("Maker");
    }

    @Test
    public void theScreenTimesTheModelAndSharesItsFile() throws Exception {
        ActivityController<BenchmarkActivity> controller =
                Robolectric.buildActivity(BenchmarkActivity.class).setup();
        BenchmarkActivity screen = controller.get();
        assertEquals("sr-x4-xs, int8", User.text(screen, R.id.benchmark_model));
        User.click(screen, R.id.start);
        assertEquals("Stop", User.text(screen, R.id.start));
        controller.recreate(); // it goes on
        BenchmarkActivity turned = controller.get();
        user.until("the benchmark does not end", () -> Run.last().over());
        user.until("its figures are not shown", () -> !User.text(turned, R.id.figures).isEmpty());
        assertEquals("", User.text(turned, R.id.message));
        String figures = User.text(turned, R.id.figures);
        assertTrue(figures, figures.matches("(?s)sr-x4-xs, int8\n.*right on the golden image.*p50 [\\d.]+ ms.*dB.*right.*"));
        User.click(turned, R.id.share);
        Intent chooser = shadowOf(turned).getNextStartedActivity();
        Uri uri = chooser.<Intent>getParcelableExtra(Intent.EXTRA_INTENT).getParcelableExtra(Intent.EXTRA_STREAM);
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        try (InputStream stream = turned.getContentResolver().openInputStream(uri)) {
            byte[] chunk = new byte[1 << 12];
            for (int count; (count = stream.read(chunk)) > 0; ) read.write(chunk, 0, count);
        }
        JSONObject row = new JSONObject(read.toString("UTF-8")).getJSONArray("rows").getJSONObject(0);
        assertEquals("sr-x4-xs", row.getString("model"));
    }

    @Test
    public void aStoppedOneLeavesNothing() {
        BenchmarkActivity screen = Robolectric.buildActivity(BenchmarkActivity.class).setup().get();
        User.click(screen, R.id.start);
        User.click(screen, R.id.start);
        user.until("it does not stop", () -> Run.last().over());
        assertEquals("", User.text(screen, R.id.message));
        assertEquals("", User.text(screen, R.id.figures));
        assertEquals("Start", User.text(screen, R.id.start));
    }

    /** A GPU is asked for, and is not here: the file says what ran instead. */
    @Test
    public void theFileIsOfTheFormThatPythonReads() throws Exception {
        Model model = User.app().models().chosen("app:sr-x4-xs/tflite-int8-64x64.tflite");
        Measured found = new Benchmark(User.app(), model, Accelerator.GPU, 0.01, 300_000_000L, new Benchmark.Watcher() {
                    @Override
                    public void progress(int permille) {
                        assertTrue(permille >= 0 && permille <= 1000);
                    }

                    @Override
                    public boolean cancelled() {
                        return false;
                    }
                })
                .run();
        assertTrue(found.fellBack);
        assertEquals(256, found.height);
        assertTrue(found.golden.psnrDb > 35 && found.golden.right);
        assertTrue(found.p(0.5) <= found.p(0.9) && found.p(0.9) <= found.p(0.99));
        assertTrue(found.sustainedRuns > 0);
        JSONObject json = ResultJson.of(User.app(), model, found, 1_800_000_000_000L);
        File written = new File(System.getProperty("edgeir.app.written"), "benchmark.json");
        Files.write(written.toPath(), (json.toString(1) + "\n").getBytes(StandardCharsets.UTF_8));
        File read = new File(System.getProperty("edgeir.vectors"), "app-result.json");
        JSONObject known = new JSONObject(new String(Files.readAllBytes(read.toPath()), StandardCharsets.UTF_8));
        assertNotNull(known);
        assertEquals("copy " + written + " over " + read, names(known), names(json));
    }

    /** The names of all fields but those that only a newer Android says. */
    private static Set<String> names(Object value) throws Exception {
        Set<String> names = new TreeSet<>();
        if (value instanceof JSONArray && ((JSONArray) value).length() > 0) names.addAll(names(((JSONArray) value).get(0)));
        if (!(value instanceof JSONObject)) return names;
        JSONObject object = (JSONObject) value;
        for (Iterator<String> keys = object.keys(); keys.hasNext(); ) {
            String key = keys.next();
            if (key.equals("thermal_status_most")) continue;
            names.add(key);
            for (String inner : names(object.get(key))) names.add(key + "." + inner);
        }
        return names;
    }
}
