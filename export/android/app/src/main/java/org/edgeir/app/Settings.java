package org.edgeir.app;

import android.content.Context;
import android.content.SharedPreferences;
import org.edgeir.tflite.Accelerator;

/** What the user chose. */
public final class Settings {
    private static final String MODEL = "model";
    private static final String ACCELERATOR = "accelerator";
    private static final String LOCATION = "location";

    private final SharedPreferences kept;

    private Settings(SharedPreferences kept) {
        this.kept = kept;
    }

    public static Settings of(Context context) {
        return new Settings(context.getSharedPreferences("settings", Context.MODE_PRIVATE));
    }

    /** Key of the model; empty: none was chosen. */
    public String model() {
        return kept.getString(MODEL, "");
    }

    public void setModel(String key) {
        kept.edit().putString(MODEL, key).apply();
    }

    public Accelerator accelerator() {
        return accelerator(kept.getString(ACCELERATOR, ""));
    }

    /** The accelerator of this name, or the CPU. */
    public static Accelerator accelerator(String name) {
        for (Accelerator one : Accelerator.values()) if (one.name().equals(name)) return one;
        return Accelerator.CPU;
    }

    public void setAccelerator(Accelerator accelerator) {
        kept.edit().putString(ACCELERATOR, accelerator.name()).apply();
    }

    /** Whether results say where the photo was taken. */
    public boolean keepsLocation() {
        return kept.getBoolean(LOCATION, false);
    }

    public void setKeepsLocation(boolean keeps) {
        kept.edit().putBoolean(LOCATION, keeps).apply();
    }
}
