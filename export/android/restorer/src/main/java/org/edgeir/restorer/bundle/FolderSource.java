package org.edgeir.restorer.bundle;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A bundle's folder. */
public final class FolderSource implements Source {
    private final File folder;

    public FolderSource(File folder) throws IOException {
        this.folder = folder.getCanonicalFile();
    }

    @Override
    public byte[] read(String path, long most) throws IOException {
        File file = new File(folder, path).getCanonicalFile();
        if (!file.getPath().startsWith(folder.getPath() + File.separator)) {
            throw new BundleException("`" + path + "` leads out of the bundle. Get the bundle again.");
        }
        if (!file.isFile()) return null;
        try (InputStream stream = new FileInputStream(file)) {
            return Reading.all(stream, path, most);
        }
    }
}
