package org.edgeir.app.models;

import android.content.res.AssetManager;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.edgeir.restorer.bundle.BundleException;
import org.edgeir.restorer.bundle.Source;

/** A bundle among the app's assets. What is read is checked against its SHA-256 by the bundle. */
final class AssetSource implements Source {
    private static final int CHUNK = 1 << 16;

    private final AssetManager assets;
    private final String folder;

    AssetSource(AssetManager assets, String folder) {
        this.assets = assets;
        this.folder = folder;
    }

    @Override
    public byte[] read(String path, long most) throws IOException {
        try (InputStream stream = assets.open(folder + "/" + path, AssetManager.ACCESS_STREAMING)) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] chunk = new byte[CHUNK];
            for (int count; (count = stream.read(chunk)) > 0; ) {
                if (bytes.size() + count > most) throw new BundleException("`" + path + "` is larger than stated.");
                bytes.write(chunk, 0, count);
            }
            return bytes.toByteArray();
        } catch (FileNotFoundException error) {
            return null;
        }
    }
}
