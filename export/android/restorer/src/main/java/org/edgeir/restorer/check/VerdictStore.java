package org.edgeir.restorer.check;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Properties;

/**
 * Keeps verdicts in a file, each for a phone (its system included), a version of the library, an accelerator and a
 * model file: after an update of any of them the golden image is run again.
 *
 * <p>A driver may end the whole app. So {@link #begin} is written before the golden image is run. An accelerator that
 * began twice without a verdict is held to have failed; once, the user may have ended the app.
 */
public final class VerdictStore {
    private static final String[] FIELDS = {"title", "passed", "what", "psnr", "largest", "ms", "placed"};
    private static final String BEGUN = "begun";
    private static final String TWICE = "begun twice";
    /** Of what {@link GoldenCheck} asks for: with other rules everything is checked again. */
    private static final String RULES = "1";

    private final File file;
    private final String phone;
    private final Properties entries = new Properties();

    /**
     * Opens the file, or begins with nothing where there is none or it is damaged.
     *
     * @param file in the app's own folder
     * @param phone names the phone and its system: {@code Build.FINGERPRINT}
     */
    public VerdictStore(File file, String phone) {
        this.file = file;
        this.phone = phone;
        if (!file.isFile()) return;
        try (InputStream stream = new FileInputStream(file)) {
            entries.load(stream);
        } catch (IOException | IllegalArgumentException error) {
            entries.clear(); // verdicts can be had again
        }
    }

    /** The verdict that is kept; null: there is none. */
    public synchronized Verdict known(String library, String accelerator, String modelSha256) {
        String key = key(library, accelerator, modelSha256);
        if (TWICE.equals(entries.getProperty(key + "what"))) {
            return Verdict.failed(accelerator, "ended the app on the golden image", "Nothing is placed on it");
        }
        if (BEGUN.equals(entries.getProperty(key + "what"))) return null;
        String[] values = new String[FIELDS.length];
        for (int field = 0; field < FIELDS.length; field++) values[field] = entries.getProperty(key + FIELDS[field]);
        for (String value : values) if (value == null) return null;
        try {
            return new Verdict(
                    values[0],
                    Boolean.parseBoolean(values[1]),
                    values[2],
                    Double.parseDouble(values[3]),
                    Double.parseDouble(values[4]),
                    Double.parseDouble(values[5]),
                    values[6]);
        } catch (NumberFormatException error) {
            return null;
        }
    }

    /** The golden image is about to be run. */
    public synchronized void begin(String library, String accelerator, String modelSha256) throws IOException {
        String what = key(library, accelerator, modelSha256) + "what";
        entries.setProperty(what, BEGUN.equals(entries.getProperty(what)) ? TWICE : BEGUN);
        write();
    }

    /** Keeps a verdict. */
    public synchronized void put(String library, String accelerator, String modelSha256, Verdict verdict)
            throws IOException {
        String key = key(library, accelerator, modelSha256);
        Object[] values = {
            verdict.title,
            verdict.passed,
            verdict.what,
            verdict.psnrDb,
            verdict.largestLevels,
            verdict.milliseconds,
            verdict.placed
        };
        for (int field = 0; field < FIELDS.length; field++)
            entries.setProperty(key + FIELDS[field], String.valueOf(values[field]));
        write();
    }

    /** Forgets everything, so that all is checked again. */
    public synchronized void clear() throws IOException {
        entries.clear();
        write();
    }

    private String key(String library, String accelerator, String modelSha256) {
        return RULES + "|" + phone + "|" + library + "|" + accelerator + "|" + modelSha256 + "|";
    }

    /** Whole or not at all. */
    private void write() throws IOException {
        File written = new File(file.getPath() + ".new");
        try (OutputStream stream = new FileOutputStream(written)) {
            entries.store(stream, null);
        }
        if (!written.renameTo(file)) throw new IOException("the verdicts cannot be kept in " + file);
    }
}
