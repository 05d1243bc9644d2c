package org.edgeir.restorer.pixels;

import java.io.IOException;
import org.edgeir.restorer.bundle.Facts;

/**
 * Colours for pixels that are fully transparent ({@code edgeir/restoring/transparency.py}): that of the nearest visible
 * pixel wherever a visible result depends on them, the mean of the visible pixels elsewhere. Otherwise the black that
 * files hold there gives a dark rim inside the edge of a sprite.
 */
public final class Bleed {
    /** Pixels that bicubic enlargement reads on each side. */
    private static final int KERNEL_REACH = 2;

    private static final int STRIP = 64;
    private static final int NONE = -1;

    private final byte[] mean;
    private final int reach;
    private int[] nearest = new int[0];

    private Bleed(byte[] mean, int reach) {
        this.mean = mean;
        this.reach = reach;
    }

    /** Looks through the image once; null where nothing is to be replaced. */
    public static Bleed of(ImageSource source, Facts facts) throws IOException {
        if (!source.hasAlpha()) return null;
        double[] sums = new double[source.colours()];
        long seen = 0;
        Band band = new Band(source);
        for (int top = 0; top < source.height(); top += STRIP) {
            band.read(source, top, Math.min(top + STRIP, source.height()));
            for (int y = top; y < band.bottom; y++) {
                for (int x = 0; x < band.width; x++) {
                    if (band.alpha(y, x) == 0) continue;
                    seen++;
                    for (int c = 0; c < sums.length; c++) sums[c] += band.samples[band.at(y, x) + c] & 0xff;
                }
            }
        }
        if (seen == 0 || seen == (long) source.width() * source.height()) return null;
        byte[] mean = new byte[sums.length];
        for (int c = 0; c < sums.length; c++) mean[c] = (byte) Math.rint(sums[c] / seen);
        return new Bleed(mean, reach(facts));
    }

    /** Rows beyond those that are read of a band, on each side. */
    public int reach() {
        return reach;
    }

    /** That of a network, in pixels of the image. */
    public static int reach(Facts facts) {
        int enlarged = facts.inputScale();
        int radius = (facts.receptiveRadius + enlarged - 1) / enlarged + (enlarged > 1 ? KERNEL_REACH : 0);
        return (int) Math.ceil(
                Math.sqrt(2) * (radius + KERNEL_REACH)); // distances are Euclidean, the radius is along the sides
    }

    /** Replaces the colours of the rows [top, bottom) of a band; those within {@link #reach} around must be in it. */
    public void apply(Band band, int top, int bottom) {
        findNearest(band);
        for (int y = top; y < bottom; y++) {
            for (int x = 0; x < band.width; x++) {
                if (band.alpha(y, x) != 0) continue;
                int to = band.at(y, x);
                int column = column(band, y, x);
                int from = column == NONE ? NONE : band.at(nearest[(y - band.top) * band.width + column], column);
                for (int c = 0; c < mean.length; c++)
                    band.samples[to + c] = from == NONE ? mean[c] : band.samples[from + c];
            }
        }
    }

    /** For every pixel of the band the nearest visible row of its column, of two the upper one; NONE: there is none. */
    private void findNearest(Band band) {
        int width = band.width;
        int size = (band.bottom - band.top) * width;
        if (nearest.length < size) {
            nearest = new int[0];
            nearest = new int[size];
        }
        for (int x = 0; x < width; x++) {
            int last = NONE;
            for (int y = band.top, at = x; y < band.bottom; y++, at += width) {
                if (band.alpha(y, x) != 0) last = y;
                nearest[at] = last;
            }
            last = NONE;
            for (int y = band.bottom - 1, at = size - width + x; y >= band.top; y--, at -= width) {
                if (band.alpha(y, x) != 0) last = y;
                int above = nearest[at];
                if (last != NONE && (above == NONE || last - y < y - above)) nearest[at] = last;
            }
        }
    }

    /** The column of the nearest visible pixel within reach, of several the left one; NONE: there is none. */
    private int column(Band band, int y, int x) {
        int row = (y - band.top) * band.width;
        int best = NONE;
        long least = (long) reach * reach;
        for (int d = 0; (long) d * d <= least; d++) {
            for (int column = x - d; column <= x + d; column += Math.max(2 * d, 1)) {
                if (column < 0 || column >= band.width || nearest[row + column] == NONE) continue;
                long down = nearest[row + column] - y;
                long distance = down * down + (long) d * d;
                if (distance < least || distance == least && (best == NONE || column < best)) {
                    least = distance;
                    best = column;
                }
            }
        }
        return best;
    }
}
