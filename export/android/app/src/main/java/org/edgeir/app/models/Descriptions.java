package org.edgeir.app.models;

import android.content.Context;
import android.text.format.Formatter;
import org.edgeir.app.R;

/** Models in words. */
public final class Descriptions {
    private Descriptions() {}

    /** "sr-x4, int8". */
    public static String title(Context context, Model model) {
        return context.getString(R.string.model_title, model.name, model.file.precision);
    }

    /** What it is for, and its size. */
    public static String about(Context context, Model model) {
        String bytes = Formatter.formatShortFileSize(context, model.file.bytes);
        int[] size = model.file.size;
        String tiles = size == null
                ? context.getString(R.string.model_any)
                : context.getString(R.string.model_tiles, size[1], size[0]);
        return context.getString(R.string.model_about, purpose(context, model), bytes, tiles);
    }

    private static String purpose(Context context, Model model) {
        int scale = model.facts.scale;
        switch (model.facts.task) {
            case "super-resolution":
                return context.getString(scale > 1 ? R.string.task_sr : R.string.task_sharpen, scale);
            case "denoising":
                return context.getString(R.string.task_denoising);
            case "jpeg":
                return context.getString(R.string.task_jpeg);
            case "mixed":
                return context.getString(R.string.task_mixed);
            case "deblurring":
                return context.getString(R.string.task_deblurring);
            case "dehazing":
                return context.getString(R.string.task_dehazing);
            case "deraining":
                return context.getString(R.string.task_deraining);
            case "enhancement":
                return context.getString(R.string.task_enhancement);
            default:
                return context.getString(R.string.task_other, model.facts.task);
        }
    }
}
