package org.edgeir.app.queue;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.json.JSONException;
import org.json.JSONObject;

/** Jobs as they lie in the app's folder: they outlive the app's process. */
final class JobFiles {
    private static final String NAME = "job.json";
    private static final int MOST = 1 << 20;

    private final File folder;

    JobFiles(File folder) {
        this.folder = folder;
    }

    /** Of the job with this id. */
    File folder(String id) {
        return new File(folder, id);
    }

    /** All jobs, the oldest first; a folder that cannot be read is removed: its beginning was cut off. */
    List<Job> read() {
        List<Job> jobs = new ArrayList<>();
        String[] ids = folder.list();
        if (ids == null) return jobs;
        Arrays.sort(ids);
        for (String id : ids) {
            try {
                jobs.add(Job.of(folder(id), new JSONObject(text(new File(folder(id), NAME)))));
            } catch (IOException | JSONException | IllegalArgumentException error) {
                delete(folder(id));
            }
        }
        return jobs;
    }

    /** Whole or not at all. */
    void write(Job job) throws IOException {
        if (!job.folder.isDirectory() && !job.folder.mkdirs()) throw new IOException("no folder " + job.folder);
        File written = new File(job.folder, NAME + ".new");
        try (OutputStream stream = new FileOutputStream(written)) {
            stream.write(job.toJson().toString().getBytes(StandardCharsets.UTF_8));
        } catch (JSONException error) {
            throw new IOException(error);
        }
        if (!written.renameTo(new File(job.folder, NAME))) throw new IOException("no file in " + job.folder);
    }

    void delete(Job job) {
        delete(job.folder);
    }

    private static void delete(File file) {
        File[] inside = file.listFiles();
        if (inside != null) for (File one : inside) delete(one);
        file.delete();
    }

    private static String text(File file) throws IOException {
        try (InputStream stream = new FileInputStream(file)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] chunk = new byte[1 << 12];
            for (int count; (count = stream.read(chunk)) > 0 && bytes.size() < MOST; ) bytes.write(chunk, 0, count);
            return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
        }
    }
}
