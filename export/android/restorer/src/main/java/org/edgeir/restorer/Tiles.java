package org.edgeir.restorer;

import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.tiling.Plan;
import org.edgeir.restorer.tiling.TilingException;

/** The size of the tiles: the file's own, or chosen, and smaller ones where the memory does not suffice. */
final class Tiles {
    /** Side where the network takes any size, in pixels of the image, as {@code edgeir restore} has it. */
    private static final int DEFAULT = 256;

    private static final int PER_RADIUS = 8;
    /** Pixels of the largest network input that is run in one piece because the network reads the whole image. */
    private static final int WHOLE_LIMIT = 4_000_000;

    private final Facts facts;
    /** Null where the file takes any size. */
    private final int[] fixed;
    /** Null: one piece. */
    private final Integer largest;

    private Tiles(Facts facts, int[] fixed, Integer largest) {
        this.facts = facts;
        this.fixed = fixed;
        this.largest = largest;
    }

    /** For the first try. */
    static Tiles first(Facts facts, int[] fixed, int wanted) {
        if (fixed != null || !facts.globalOperations.isEmpty()) return new Tiles(facts, fixed, null);
        int enlarged = facts.inputScale();
        int least = (PER_RADIUS * facts.receptiveRadius + enlarged - 1) / enlarged;
        return new Tiles(facts, null, (wanted > 0 ? wanted : Math.max(DEFAULT, least)) * enlarged);
    }

    /** Half as high and wide; null where tiles cannot be cut, or are down to one multiple. */
    Tiles halved() {
        if (!facts.globalOperations.isEmpty()) return null;
        if (fixed == null) return largest < 2 ? null : new Tiles(facts, null, largest / 2);
        int[] half = {half(fixed[0]), half(fixed[1])};
        return half[0] == fixed[0] && half[1] == fixed[1] ? null : new Tiles(facts, half, null);
    }

    /** Half as high, or else half as wide: strips are as high as tiles. Null as above. */
    Tiles lower() {
        if (fixed == null || !facts.globalOperations.isEmpty()) return halved();
        int[] lower = {half(fixed[0]), fixed[1]};
        if (lower[0] == fixed[0] || lower[0] <= 2 * facts.receptiveRadius) lower = new int[] {fixed[0], half(fixed[1])};
        return lower[0] == fixed[0] && lower[1] == fixed[1] ? null : new Tiles(facts, lower, null);
    }

    private int half(int side) {
        int multiple = facts.sizeMultiple;
        return Math.max((side / 2 + multiple - 1) / multiple, 1) * multiple;
    }

    /** The windows for an image of this size, mirrored beyond its border. */
    Plan plan(int height, int width) throws RestoreException {
        int high = Math.multiplyExact(height, facts.inputScale());
        int wide = Math.multiplyExact(width, facts.inputScale());
        if (fixed == null && largest == null && (long) high * wide > WHOLE_LIMIT) {
            throw new RestoreException(
                    "The network reads the whole image (" + facts.reads()
                            + ") and the image is too large for one run: use a smaller one, or export with "
                            + "--statistics constant.");
        }
        return Plan.of(high, wide, facts, fixed, largest, true);
    }

    /** The same, or null where the windows are too small for the network. */
    Plan planOrNull(int height, int width) throws RestoreException {
        try {
            return plan(height, width);
        } catch (TilingException error) {
            return null;
        }
    }
}
