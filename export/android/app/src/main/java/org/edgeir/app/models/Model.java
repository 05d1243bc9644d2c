package org.edgeir.app.models;

import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.ModelFile;

/** One model file of one of the app's bundles. */
public final class Model {
    /** Of the bundle among those of the app. */
    public final String bundle;
    /** The name of the network. */
    public final String name;

    public final Facts facts;
    public final ModelFile file;

    Model(String bundle, String name, Facts facts, ModelFile file) {
        this.bundle = bundle;
        this.name = name;
        this.facts = facts;
        this.file = file;
    }

    /** Stays the same from start to start. */
    public String key() {
        return bundle + "/" + file.path;
    }
}
