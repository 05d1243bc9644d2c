package org.edgeir.restorer.tiling;

import java.util.ArrayList;
import java.util.List;
import org.edgeir.restorer.bundle.Facts;

/**
 * Cuts an image into overlapping windows whose results put together equal one run over the whole image.
 *
 * <p>The same algorithm as {@code edgeir/restoring/tiling.py}, which explains it; both are tested against
 * {@code tests/vectors/tiles.json}. All lengths are pixels of the network's own input.
 */
public final class Plan {
    public final Axis rows;
    public final Axis columns;

    private Plan(Axis rows, Axis columns) {
        this.rows = rows;
        this.columns = columns;
    }

    /** Number of windows. */
    public int count() {
        return rows.windows.size() * columns.windows.size();
    }

    /**
     * Windows for an image, all of one size.
     *
     * @param fixed height and width, where the network takes one size only; else null
     * @param largest side of the largest window where it takes any; null: one window
     * @param mirrored continue the image beyond its border by the receptive radius
     * @throws TilingException the window is too small, or the network reads the whole image
     */
    public static Plan of(int height, int width, Facts facts, int[] fixed, Integer largest, boolean mirrored)
            throws TilingException {
        boolean global = !facts.globalOperations.isEmpty();
        boolean exact = global && fixed != null && fixed[0] == height && fixed[1] == width;
        int margin = mirrored && !exact ? facts.receptiveRadius : 0;
        Integer[] sides = {largest, largest};
        if (fixed != null) {
            sides = new Integer[] {fixed[0], fixed[1]};
        } else if (largest != null) {
            long area = (long) largest * largest;
            int high = end(height, margin, facts) - begin(margin, facts);
            int wide = end(width, margin, facts) - begin(margin, facts);
            sides = new Integer[] {(int) Math.max(largest, area / wide), (int) Math.max(largest, area / high)};
        }
        Plan plan = new Plan(
                axis(height, sides[0], facts, margin, fixed != null),
                axis(width, sides[1], facts, margin, fixed != null));
        if (global && (plan.count() > 1 || fixed != null && !exact)) {
            throw new TilingException("The network reads the whole image (" + facts.reads() + "), so an image of "
                    + width + "×" + height + " cannot be run in tiles. Export it with --statistics constant.");
        }
        return plan;
    }

    private static Axis axis(int length, Integer wanted, Facts facts, int margin, boolean fixed)
            throws TilingException {
        int multiple = facts.tileStep();
        int radius = facts.receptiveRadius;
        int begin = begin(margin, facts);
        int end = end(length, margin, facts);
        if (wanted == null || wanted >= end - begin) {
            return single(length, begin, fixed && wanted != null ? begin + wanted : end);
        }
        int side = wanted;
        if (!fixed) side -= Math.floorMod(side - (end - begin), multiple); // sides of this remainder end at the border
        int step = down(side - 2 * radius, multiple);
        if (step < 1 && fixed && side >= up(length, facts.sizeMultiple)) {
            begin = -down((side - length) / 2, multiple); // as much of the margin as it holds
            return single(length, begin, begin + side);
        }
        if (step < 1) {
            int least = up(2 * radius + multiple - (end - begin), multiple) + end - begin;
            throw new TilingException(
                    "A window of " + side + " pixels is too small for the network, whose receptive radius is " + radius
                            + ": use at least " + least + " pixels.");
        }
        if (fixed) end = begin + side + up(end - begin - side, multiple);
        int count = 1 + up(end - begin - side, step) / step;
        if (!fixed) side = smallest(side, end - begin, count, multiple, radius);
        return spread(length, begin, end, side, count, multiple);
    }

    /** `count` windows of `side` pixels over [begin, end); each gives its pixels up to the middle of the overlap. */
    private static Axis spread(int length, int begin, int end, int side, int count, int multiple) {
        long last = (end - begin - side) / multiple;
        List<Window> windows = new ArrayList<>();
        int start = begin;
        int first = 0;
        for (int index = 1; index <= count; index++) {
            int next = index < count ? begin + (int) (last * index / (count - 1)) * multiple : 0;
            int cut = index < count ? Math.min(Math.max(Math.floorDiv(start + side + next, 2), 0), length) : length;
            windows.add(new Window(start, start + side, first, cut));
            start = next;
            first = cut;
        }
        return new Axis(length, begin, end, windows);
    }

    /** The smallest side at which `count` windows, starting at multiples, cover `extent` pixels. */
    private static int smallest(int side, int extent, int count, int multiple, int radius) {
        int least = (int) ((extent + (count - 1) * 2L * radius + count - 1) / count);
        int result = Math.min(side, up(least - extent, multiple) + extent);
        while ((long) down(result - 2 * radius, multiple) * (count - 1) + result < extent) result += multiple;
        return result;
    }

    private static Axis single(int length, int begin, int end) {
        List<Window> windows = new ArrayList<>();
        windows.add(new Window(begin, end, 0, length));
        return new Axis(length, begin, end, windows);
    }

    private static int begin(int margin, Facts facts) {
        return -up(margin, facts.tileStep());
    }

    private static int end(int length, int margin, Facts facts) {
        return up(length + margin, facts.sizeMultiple);
    }

    private static int up(int value, int multiple) {
        return -Math.floorDiv(-value, multiple) * multiple;
    }

    private static int down(int value, int multiple) {
        return Math.floorDiv(value, multiple) * multiple;
    }
}
