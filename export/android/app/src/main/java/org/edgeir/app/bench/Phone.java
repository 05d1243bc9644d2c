package org.edgeir.app.bench;

import android.app.ActivityManager;
import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import org.edgeir.app.Newer;

/** What this phone says of itself. */
final class Phone {
    /** Thermal status where Android does not say it: before version 10. */
    static final int UNKNOWN = -1;

    private Phone() {}

    static String title() {
        String maker = Build.MANUFACTURER == null ? "" : Build.MANUFACTURER;
        return Build.MODEL.startsWith(maker) ? Build.MODEL : maker + " " + Build.MODEL;
    }

    static String system() {
        return "Android " + Build.VERSION.RELEASE + " (SDK " + Build.VERSION.SDK_INT + ")";
    }

    static String chip() {
        return Build.VERSION.SDK_INT >= 31 ? soc() : Build.HARDWARE;
    }

    @Newer(than = 31)
    private static String soc() {
        boolean unknown = Build.UNKNOWN.equals(Build.SOC_MODEL);
        return unknown ? Build.HARDWARE : Build.SOC_MANUFACTURER + " " + Build.SOC_MODEL;
    }

    static int memoryMib(Context context) {
        ActivityManager.MemoryInfo info = new ActivityManager.MemoryInfo();
        context.getSystemService(ActivityManager.class).getMemoryInfo(info);
        return (int) (info.totalMem >> 20);
    }

    /** 0 (none) to 6 (shutdown), or {@link #UNKNOWN}. */
    static int thermalStatus(Context context) {
        return Build.VERSION.SDK_INT >= 29 ? status(context) : UNKNOWN;
    }

    @Newer(than = 29)
    private static int status(Context context) {
        return context.getSystemService(PowerManager.class).getCurrentThermalStatus();
    }

    /** Of the battery, in °C; NaN: the phone does not say it. */
    static double batteryCelsius(Context context) {
        Intent battery = context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
        int tenths = battery == null ? 0 : battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, 0);
        return tenths == 0 ? Double.NaN : tenths / 10.0;
    }
}
