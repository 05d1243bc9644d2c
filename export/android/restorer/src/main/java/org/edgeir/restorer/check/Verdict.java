package org.edgeir.restorer.check;

import java.util.Locale;

/** Whether an engine may restore images on this phone, and why. */
public final class Verdict {
    /** Of what was checked. */
    public final String title;

    public final boolean passed;
    /** What was found: "right on the golden image", or what is wrong. */
    public final String what;
    /** Against what the file gave when it was exported; infinite: the same bytes; NaN: nothing was compared. */
    public final double psnrDb;
    /** The largest difference from that, in levels of 255; NaN: nothing was compared. */
    public final double largestLevels;
    /** Median time of a run on the golden image; NaN: it was not timed. */
    public final double milliseconds;
    /** What runs where, as far as the library says it. */
    public final String placed;

    public Verdict(
            String title,
            boolean passed,
            String what,
            double psnrDb,
            double largestLevels,
            double milliseconds,
            String placed) {
        this.title = title;
        this.passed = passed;
        this.what = what;
        this.psnrDb = psnrDb;
        this.largestLevels = largestLevels;
        this.milliseconds = milliseconds;
        this.placed = placed;
    }

    /** For an engine that could not be checked. */
    public static Verdict failed(String title, String what, String placed) {
        return new Verdict(title, false, what, Double.NaN, Double.NaN, Double.NaN, placed);
    }

    /** For the screen. */
    public String sentence() {
        StringBuilder text = new StringBuilder(title).append(": ").append(what);
        if (!Double.isNaN(psnrDb)) {
            String psnr = Double.isInfinite(psnrDb) ? "bit-exact" : String.format(Locale.ROOT, "%.1f dB", psnrDb);
            text.append(String.format(Locale.ROOT, " (%s, at most %.2f of 255 levels off", psnr, largestLevels));
            if (!Double.isNaN(milliseconds)) text.append(String.format(Locale.ROOT, ", %.1f ms", milliseconds));
            text.append(")");
        }
        return text.append(". ").append(placed).append(".").toString();
    }
}
