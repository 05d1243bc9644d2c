package org.edgeir.restorer.tiling;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.JsonFile;
import org.junit.Test;

/** The tiler against tests/vectors/tiles.json: the windows and stitched bytes of edgeir's own; and its promises. */
public class PlanTest {
    private static List<Map<String, Object>> cases() throws Exception {
        Map<?, ?> vectors = (Map<?, ?>) JsonFile.read(new File(System.getProperty("edgeir.vectors"), "tiles.json"));
        assertEquals("edgeir-tiles-1", vectors.get("format"));
        return JsonFile.objects(vectors.get("cases"));
    }

    @Test
    public void windowsAndStitchedBytesAreThoseOfPython() throws Exception {
        List<Map<String, Object>> cases = cases();
        assertEquals(500, cases.size());
        for (Map<String, Object> one : cases) {
            if ((Boolean) one.get("refused")) {
                assertThrows(one.toString(), TilingException.class, () -> planned(one));
                continue;
            }
            Plan plan = planned(one);
            assertEquals(one.toString(), one.get("rows"), listed(plan.rows));
            assertEquals(one.toString(), one.get("columns"), listed(plan.columns));
            assertEquals(one.toString(), one.get("sha256"), Bundle.sha256(stitched(plan, one)));
        }
    }

    private static int number(Map<String, Object> one, String name) {
        return ((Long) one.get(name)).intValue();
    }

    private static Plan planned(Map<String, Object> one) throws TilingException {
        boolean global = (Boolean) one.get("global");
        Facts facts = new Facts(
                "",
                number(one, "scale"),
                false,
                false,
                number(one, "size_multiple"),
                number(one, "tile_multiple"),
                number(one, "receptive_radius"),
                global ? Collections.singletonList("image mean") : Collections.<String>emptyList());
        List<?> size = (List<?>) one.get("fixed");
        int[] fixed =
                size == null ? null : new int[] {((Long) size.get(0)).intValue(), ((Long) size.get(1)).intValue()};
        Integer largest = one.get("largest") == null ? null : number(one, "largest");
        return Plan.of(
                number(one, "height"), number(one, "width"), facts, fixed, largest, (Boolean) one.get("mirrored"));
    }

    private static List<List<Long>> listed(Axis axis) {
        List<List<Long>> result = new ArrayList<>();
        for (Window w : axis.windows)
            result.add(Arrays.asList((long) w.start, (long) w.stop, (long) w.first, (long) w.last));
        return result;
    }

    private static byte[] stitched(Plan plan, Map<String, Object> one) {
        int height = number(one, "height");
        int width = number(one, "width");
        int s = number(one, "scale");
        byte[] out = new byte[height * s * width * s];
        for (Window row : plan.rows.windows) {
            for (Window column : plan.columns.windows) {
                int h = row.stop - row.start;
                int w = column.stop - column.start;
                int[] window = new int[h * w];
                for (int y = 0; y < h; y++) {
                    for (int x = 0; x < w; x++) {
                        int v = Axis.reflected(row.start + y, height);
                        int u = Axis.reflected(column.start + x, width);
                        window[y * w + x] = 31 * v + 17 * u + v * u % 251 & 255;
                    }
                }
                byte[] made = network(window, h, w, number(one, "receptive_radius"), s);
                for (int y = row.first * s; y < row.last * s; y++) {
                    int from = (y - row.start * s) * w * s + (column.first - column.start) * s;
                    System.arraycopy(
                            made, from, out, y * width * s + column.first * s, (column.last - column.first) * s);
                }
            }
        }
        return out;
    }

    private static byte[] network(int[] window, int height, int width, int r, int scale) {
        byte[] out = new byte[height * scale * width * scale];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int q = at(window, y, x, height, width)
                        + 3 * at(window, y - r, x, height, width)
                        + 5 * at(window, y, x - r, height, width)
                        + 7 * at(window, y + r, x + r, height, width);
                for (int i = 0; i < scale; i++) {
                    for (int j = 0; j < scale; j++)
                        out[(y * scale + i) * width * scale + x * scale + j] = (byte) (q + 11 * i + 13 * j);
                }
            }
        }
        return out;
    }

    private static int at(int[] window, int y, int x, int height, int width) {
        return y < 0 || x < 0 || y >= height || x >= width ? 0 : window[y * width + x];
    }

    /** From 1×1 to 30000×20: all pixels are given once, each far enough from where its window ends. */
    @Test
    public void everyPixelIsGivenOnceAndSeesItsWholeField() throws Exception {
        Random random = new Random(3);
        int[][] extremes = {{1, 1}, {1, 30000}, {30000, 20}, {20, 30000}, {2, 3}, {4000, 3000}};
        int planned = 0;
        for (int number = 0; number < 3000; number++) {
            int[] size = number < 120 ? extremes[number % extremes.length] : new int[] {side(random), side(random)};
            int multiple = new int[] {1, 1, 2, 4, 8}[random.nextInt(5)];
            int radius = random.nextInt(30);
            Facts facts = new Facts(
                    "",
                    2,
                    false,
                    false,
                    multiple,
                    random.nextInt(4) == 0 ? 8 : 1,
                    radius,
                    Collections.<String>emptyList());
            boolean any = random.nextBoolean();
            int[] fixed = {multiple * (1 + random.nextInt(60)), multiple * (1 + random.nextInt(60))};
            Plan plan;
            try {
                plan = Plan.of(size[0], size[1], facts, any ? null : fixed, any ? 1 + random.nextInt(400) : null, true);
            } catch (TilingException error) {
                continue;
            }
            planned++;
            check(plan.rows, size[0], facts, any ? null : fixed[0]);
            check(plan.columns, size[1], facts, any ? null : fixed[1]);
        }
        assertTrue("" + planned, planned > 1500);
    }

    private static int side(Random random) {
        return 1 + random.nextInt(new int[] {3, 40, 300, 3000, 30000}[random.nextInt(5)]);
    }

    private static void check(Axis axis, int length, Facts facts, Integer fixed) {
        int given = 0;
        int radius = facts.receptiveRadius;
        boolean narrowed =
                axis.begin > -radius || axis.end < length + radius; // a fixed size that is too small for the mirror
        for (Window w : axis.windows) {
            assertEquals(given, w.first);
            given = w.last;
            assertEquals(axis.size(), w.stop - w.start);
            if (fixed != null) assertEquals((int) fixed, w.stop - w.start);
            else assertEquals(0, (w.stop - w.start) % facts.sizeMultiple);
            assertEquals(0, Math.floorMod(w.start - axis.begin, facts.tileStep()));
            if (narrowed) {
                assertTrue(fixed != null && axis.windows.size() == 1);
                continue;
            }
            assertTrue(w.first == w.last || w.first - w.start >= radius && w.stop - w.last >= radius);
        }
        assertEquals(length, given);
    }

    /** What tiles cost: the pixels of all windows against those of one window over the whole image. */
    @Test
    public void largeTilesCostLittle() throws Exception {
        Plan plan = Plan.of(3000, 4000, TestData.facts(4, 12, 1), null, 384, true);
        double whole = (3000 + 2 * 12) * (4000 + 2 * 12);
        double pixels = (double) plan.count() * plan.rows.size() * plan.columns.size();
        assertTrue("" + pixels / whole, pixels / whole <= 1.15);
    }

    @Test
    public void beyondAnEndTheImageComesBack() {
        int[] expected = {1, 0, 0, 1, 2, 2, 1, 0, 0};
        for (int index = 0; index < expected.length; index++)
            assertEquals(expected[index], Axis.reflected(index - 2, 3));
        assertEquals(0, Axis.reflected(-7, 1));
    }

    @Test
    public void aWindowThatIsTooSmallIsRefusedWithTheLeastSize() {
        Exception error = assertThrows(
                TilingException.class,
                () -> Plan.of(100, 100, TestData.facts(2, 12, 1), new int[] {24, 24}, null, true));
        assertTrue(error.getMessage(), error.getMessage().contains("receptive radius is 12: use at least 25 pixels"));
    }
}
