package org.edgeir.app.bench;

import android.content.Context;
import java.util.Locale;
import org.edgeir.app.R;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;

/** What a benchmark found, in words. */
final class Figures {
    private Figures() {}

    static String of(Context context, Model model, Measured found) {
        StringBuilder text = new StringBuilder(Descriptions.title(context, model));
        text.append('\n').append(found.verdict);
        if (!found.notes.isEmpty()) text.append('\n').append(found.notes);
        text.append("\n\n")
                .append(context.getString(
                        R.string.figures_times,
                        found.width,
                        found.height,
                        found.runsMs.length,
                        number(found.p(0.5)),
                        number(found.p(0.9)),
                        number(found.p(0.99)),
                        number(found.firstMs)));
        if (found.golden != null) {
            String right = context.getString(found.golden.right ? R.string.golden_right : R.string.golden_wrong);
            text.append('\n')
                    .append(context.getString(
                            R.string.figures_golden, String.format(Locale.ROOT, "%.1f", found.golden.psnrDb), right));
        }
        if (found.sustainedMin > 0) {
            text.append('\n')
                    .append(context.getString(
                            R.string.figures_sustained,
                            String.format(Locale.ROOT, "%.1f", found.sustainedMin),
                            number(found.sustainedLastMs),
                            String.format(Locale.ROOT, "%.2f", found.sustainedLastMs / found.sustainedFirstMs)));
        }
        return text.append('\n').append(heat(context, found)).toString();
    }

    private static String heat(Context context, Measured found) {
        String battery = Double.isNaN(found.batteryAfter) ? "–" : String.format(Locale.ROOT, "%.1f", found.batteryAfter);
        String[] names = context.getResources().getStringArray(R.array.thermal);
        return found.thermalMost < 0 || found.thermalMost >= names.length
                ? context.getString(R.string.figures_no_heat, battery)
                : context.getString(R.string.figures_heat, names[found.thermalMost], battery);
    }

    private static String number(double milliseconds) {
        return String.format(Locale.ROOT, milliseconds < 10 ? "%.2f" : "%.1f", milliseconds);
    }
}
