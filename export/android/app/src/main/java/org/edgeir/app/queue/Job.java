package org.edgeir.app.queue;

import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;

/** One photo to restore, with what is known of it; its files lie in a folder of its own. */
public final class Job {
    /** Where a job stands. */
    public enum State {
        /** In the queue. */
        WAITING,
        RUNNING,
        /** The result is there. */
        DONE,
        /** The message says why. */
        FAILED,
        CANCELLED,
        /** The app was ended before it was its turn, or in the middle of it. */
        NOT_DONE
    }

    public final String id;
    public final File folder;
    /** Of the photo's file. */
    public final String name;
    /** Key of the model. */
    public final String model;
    /** The model for people. */
    public final String modelTitle;

    public final String accelerator;

    private volatile State state;
    private volatile String message = "";
    private volatile String verdict = "";
    private volatile List<String> notes = Collections.emptyList();
    private volatile int width;
    private volatile int height;
    private volatile String saved = "";
    private volatile int permille;
    private volatile boolean cancelled;
    private volatile String interruption = "";

    Job(String id, File folder, String name, String model, String modelTitle, String accelerator, State state) {
        this.id = id;
        this.folder = folder;
        this.name = name;
        this.model = model;
        this.modelTitle = modelTitle;
        this.accelerator = accelerator;
        this.state = state;
    }

    public State state() {
        return state;
    }

    /** Waiting or running. */
    public boolean open() {
        return state == State.WAITING || state == State.RUNNING;
    }

    /** Why there is no result; empty: nothing to say. */
    public String message() {
        return message;
    }

    /** What the golden image found; empty: not known yet. */
    public String verdict() {
        return verdict;
    }

    /** What the user should see. */
    public List<String> notes() {
        return notes;
    }

    /** Of the result; 0: not known yet. */
    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /** Where it was saved last, for people; empty: nowhere. */
    public String saved() {
        return saved;
    }

    /** Tiles done, of 1000. */
    public int permille() {
        return permille;
    }

    public boolean cancelled() {
        return cancelled;
    }

    /** The photo, copied. */
    public File photo() {
        return new File(folder, "photo");
    }

    /** A PNG; there only where the job is done. */
    public File result() {
        return new File(folder, "result.png");
    }

    /** The result in small, upright; there once the job is done. */
    public File preview() {
        return new File(folder, "preview.png");
    }

    /** The EXIF block of the result, also for a JPEG; absent: there is none. */
    public File exif() {
        return new File(folder, "exif");
    }

    void become(State state, String message) {
        this.message = message;
        this.state = state;
        if (state == State.WAITING) {
            cancelled = false;
            interruption = "";
            permille = 0;
        }
    }

    void cancel() {
        cancelled = true;
    }

    /** Stops it for a reason that is not the user's. */
    void interrupt(String reason) {
        interruption = reason;
        cancelled = true;
    }

    /** The reason; empty: it was not interrupted. */
    String interruption() {
        return interruption;
    }

    void setVerdict(String verdict, List<String> notes) {
        this.verdict = verdict;
        this.notes = Collections.unmodifiableList(new ArrayList<>(notes));
    }

    void note(String note) {
        List<String> more = new ArrayList<>(notes);
        more.add(note);
        notes = Collections.unmodifiableList(more);
    }

    void setSize(int width, int height) {
        this.width = width;
        this.height = height;
    }

    void setPermille(int permille) {
        this.permille = permille;
    }

    void setSaved(String saved) {
        this.saved = saved;
    }

    JSONObject toJson() throws JSONException {
        JSONObject json = new JSONObject();
        json.put("name", name).put("model", model).put("model_title", modelTitle);
        json.put("accelerator", accelerator).put("state", state.name()).put("message", message);
        json.put("verdict", verdict).put("notes", new JSONArray(notes));
        return json.put("width", width).put("height", height).put("saved", saved);
    }

    static Job of(File folder, JSONObject json) throws JSONException {
        State state = State.valueOf(json.getString("state"));
        Job job = new Job(
                folder.getName(),
                folder,
                json.getString("name"),
                json.getString("model"),
                json.getString("model_title"),
                json.getString("accelerator"),
                state);
        job.message = json.getString("message");
        job.verdict = json.getString("verdict");
        JSONArray notes = json.getJSONArray("notes");
        for (int index = 0; index < notes.length(); index++) job.note(notes.getString(index));
        job.setSize(json.getInt("width"), json.getInt("height"));
        job.saved = json.getString("saved");
        return job;
    }
}
