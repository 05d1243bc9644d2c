package org.edgeir.restorer;

/** What an app hears while an image is restored. Called by the restorer's threads, one at a time. */
public interface Watcher {
    /** Hears nothing. */
    Watcher NONE = new Watcher() {};

    /** Tiles done; `total` changes where the tiles become smaller. */
    default void progress(int done, int total) {}

    /** Asked before every tile; true stops. */
    default boolean cancelled() {
        return false;
    }

    /** Something that the user should see: smaller tiles, another engine. One sentence. */
    default void note(String what) {}
}
