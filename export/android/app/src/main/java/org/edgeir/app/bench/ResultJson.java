package org.edgeir.app.bench;

import android.content.Context;
import android.os.Build;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;
import org.edgeir.app.models.Model;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** A benchmark as a result file of edgeir (edgeir/benchmarking/result.py), which {@code edgeir report} joins. */
final class ResultJson {
    private static final String FORMAT = "edgeir-result-1";
    /** As {@code edgeir bench --device} would name it. */
    private static final String DEVICE = "app";

    private ResultJson() {}

    /** @param now in milliseconds since 1970 */
    static JSONObject of(Context context, Model model, Measured found, long now) throws JSONException {
        SimpleDateFormat format = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        JSONObject result = new JSONObject();
        result.put("format", FORMAT).put("kind", "bench").put("name", DEVICE + "-" + model.name);
        result.put("title", model.name + " in the app on " + Phone.title()).put("created", format.format(new Date(now)));
        result.put("suite", JSONObject.NULL);
        result.put("environment", environment(context, found));
        return result.put("rows", new JSONArray().put(row(context, model, found)));
    }

    private static JSONObject environment(Context context, Measured found) throws JSONException {
        JSONObject machine = new JSONObject();
        machine.put("cpu", Phone.chip()).put("architecture", Build.SUPPORTED_ABIS[0]);
        machine.put("cores", Runtime.getRuntime().availableProcessors());
        machine.put("memory_mib", Phone.memoryMib(context)).put("os", Phone.system());
        JSONObject versions = new JSONObject();
        versions.put("edgeir-app", version(context)).put("runtime", found.runtime);
        return new JSONObject()
                .put("machine", machine)
                .put("versions", versions)
                .put("revision", JSONObject.NULL);
    }

    private static String version(Context context) {
        try {
            return context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionName;
        } catch (android.content.pm.PackageManager.NameNotFoundException error) {
            throw new AssertionError(error); // it is this app
        }
    }

    private static JSONObject row(Context context, Model model, Measured found) throws JSONException {
        JSONObject row = new JSONObject();
        String accelerator = found.accelerator.name().toLowerCase(Locale.ROOT);
        row.put("name", model.name + " " + DEVICE + " " + model.file.precision + " " + accelerator);
        row.put("model", model.name).put("runtime", DEVICE).put("target", model.file.target);
        row.put("precision", model.file.precision);
        row.put("input_kind", model.facts.enlarged ? "bicubic" : "lr");
        row.put("colours", model.facts.luma ? "y" : "rgb");
        row.put("output_size", new JSONArray().put(found.height).put(found.width));
        row.put("file_bytes", model.file.bytes).put("sha256", model.file.sha256);
        row.put("latency", latency(found)).put("device", device(found, accelerator)).put("placed", found.placed);
        if (found.golden != null) {
            JSONObject golden = new JSONObject();
            golden.put("psnr_db", found.golden.psnrDb).put("max_abs_error", found.golden.maxAbsError);
            row.put("golden", golden.put("right", found.golden.right));
        }
        return row.put("details", details(found)).put("note", found.notes);
    }

    private static JSONObject latency(Measured found) throws JSONException {
        JSONObject latency = new JSONObject();
        latency.put("height", found.height).put("width", found.width).put("threads", 1);
        latency.put("init_ms", Times.rounded(found.initMs)).put("first_run_ms", Times.rounded(found.firstMs));
        latency.put("warmup_runs", 1).put("repeats", found.runsMs.length);
        latency.put("min_ms", Times.rounded(Times.least(found.runsMs)));
        latency.put("p50_ms", Times.rounded(found.p(0.5))).put("p90_ms", Times.rounded(found.p(0.9)));
        latency.put("p99_ms", Times.rounded(found.p(0.99))).put("mean_ms", Times.rounded(Times.mean(found.runsMs)));
        JSONArray samples = new JSONArray();
        for (double time : found.runsMs) samples.put(Times.rounded(time));
        return latency.put("samples_ms", samples);
    }

    private static JSONObject device(Measured found, String accelerator) throws JSONException {
        JSONObject device = new JSONObject();
        device.put("device", DEVICE).put("title", Phone.title()).put("runtime", found.runtime);
        device.put("system", Phone.system()).put("chip", Phone.chip()).put("accelerator", accelerator);
        return device.put("emulated", false);
    }

    private static JSONObject details(Measured found) throws JSONException {
        JSONObject details = new JSONObject();
        details.put("verdict", found.verdict).put("fell_back", found.fellBack);
        if (found.thermalMost != Phone.UNKNOWN) details.put("thermal_status_most", found.thermalMost);
        put(details, "battery_before_c", found.batteryBefore);
        put(details, "battery_after_c", found.batteryAfter);
        if (found.sustainedMin == 0) return details;
        put(details, "sustained_hottest_battery_c", found.batteryMost);
        details.put("sustained_min", Math.round(100 * found.sustainedMin) / 100.0);
        details.put("sustained_runs", found.sustainedRuns);
        details.put("sustained_first_ms", Times.rounded(found.sustainedFirstMs));
        details.put("sustained_last_ms", Times.rounded(found.sustainedLastMs));
        double slower = found.sustainedLastMs / found.sustainedFirstMs;
        return details.put("sustained_slowdown", Math.round(1000 * slower) / 1000.0);
    }

    private static void put(JSONObject details, String name, double celsius) throws JSONException {
        if (!Double.isNaN(celsius)) details.put(name, celsius);
    }

    /** Where results of a model lie: letters, digits, dashes. */
    static String fileName(Model model, Measured found, long now) {
        String name = "app-" + model.name + "-" + model.file.precision + "-" + found.accelerator.name() + "-" + now;
        return name.toLowerCase(Locale.ROOT).replaceAll("[^\\w-]", "-") + ".json";
    }
}
