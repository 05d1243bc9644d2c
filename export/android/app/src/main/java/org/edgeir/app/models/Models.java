package org.edgeir.app.models;

import android.content.Context;
import android.content.res.AssetManager;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;

/** The models of all bundles: those in the app's assets, and those that were opened from elsewhere. */
public final class Models {
    /** Of the format that this app runs. */
    static final String TARGET = "tflite";

    private static final String ASSETS = "bundles";
    private static final String PACKAGED = "app:";
    private static final String OPENED = "file:";
    private static final String ZIP = ".zip";

    private final AssetManager assets;
    private final File folder;
    private List<Model> all;

    public Models(Context context) {
        assets = context.getAssets();
        folder = new File(context.getFilesDir(), ASSETS);
    }

    /** All of them; a bundle that cannot be read is left out: it was checked when it came. */
    public synchronized List<Model> all() {
        if (all == null) {
            all = new ArrayList<>();
            for (String name : bundles()) {
                try (Bundle bundle = open(name)) {
                    all.addAll(usable(name, bundle));
                } catch (IOException error) {
                    // another bundle may be right
                }
            }
        }
        return new ArrayList<>(all);
    }

    /** The model of this key, else the first; null: there is none. */
    public Model chosen(String key) {
        List<Model> models = all();
        for (Model model : models) if (model.key().equals(key)) return model;
        return models.isEmpty() ? null : models.get(0);
    }

    /** The model of this key; null: its bundle is gone. */
    public Model find(String key) {
        for (Model model : all()) if (model.key().equals(key)) return model;
        return null;
    }

    /** Opens the bundle of a model; to be closed. */
    public Bundle open(Model model) throws IOException {
        return open(model.bundle);
    }

    /** Whether the bundle came from elsewhere, so that it can be removed. */
    public boolean removable(Model model) {
        return model.bundle.startsWith(OPENED);
    }

    /** Takes a bundle away; those of the app stay. */
    public synchronized void remove(Model model) {
        if (removable(model)) {
            file(model.bundle.substring(OPENED.length())).delete();
            all = null;
        }
    }

    /** Where a bundle with this checksum is kept. */
    File file(String sha256) {
        return new File(folder, sha256 + ZIP);
    }

    /** Makes the list anew; the first model of the bundle with this checksum. */
    synchronized Model added(String sha256) {
        all = null;
        for (Model model : all()) if (model.bundle.equals(OPENED + sha256)) return model;
        throw new IllegalStateException(sha256);
    }

    static List<Model> usable(String name, Bundle bundle) {
        List<Model> models = new ArrayList<>();
        for (ModelFile file : bundle.manifest.files) {
            if (file.target.equals(TARGET) && file.problem == null)
                models.add(new Model(name, bundle.manifest.source, bundle.manifest.facts, file));
        }
        return models;
    }

    private Bundle open(String name) throws IOException {
        return name.startsWith(PACKAGED)
                ? Bundle.open(new AssetSource(assets, ASSETS + "/" + name.substring(PACKAGED.length())))
                : Bundle.open(file(name.substring(OPENED.length())));
    }

    private List<String> bundles() {
        List<String> names = new ArrayList<>();
        try {
            String[] packaged = assets.list(ASSETS);
            for (String name : packaged == null ? new String[0] : packaged) names.add(PACKAGED + name);
        } catch (IOException error) {
            // an app without assets
        }
        String[] opened = folder.list((parent, name) -> name.endsWith(ZIP));
        if (opened == null) return names;
        Arrays.sort(opened);
        for (String name : opened) names.add(OPENED + name.substring(0, name.length() - ZIP.length()));
        return names;
    }
}
