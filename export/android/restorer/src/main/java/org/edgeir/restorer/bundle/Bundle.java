package org.edgeir.restorer.bundle;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** A bundle as {@code edgeir export --bundle} writes it; every file is checked when it is read. */
public final class Bundle implements Closeable {
    /** Bytes of the largest file that is read: it becomes one array, beside which the app has to go on. */
    private static final long MOST_READ = Math.min(1 << 30, Runtime.getRuntime().maxMemory() / 4);

    public final Manifest manifest;
    private final Source source;

    private Bundle(Manifest manifest, Source source) {
        this.manifest = manifest;
        this.source = source;
    }

    /**
     * Opens a folder or a zip.
     *
     * @throws BundleException it is no bundle, is damaged, or made by a newer edgeir
     */
    public static Bundle open(File file) throws IOException {
        Source source = file.isDirectory() ? new FolderSource(file) : new ZipSource(file);
        try {
            return open(source);
        } catch (IOException | RuntimeException error) {
            source.close();
            throw error;
        }
    }

    /** Opens a bundle of any origin; closing the bundle closes the source. */
    public static Bundle open(Source source) throws IOException {
        byte[] bytes = source.read(Manifest.NAME, Manifest.MAX_BYTES);
        if (bytes == null) {
            throw new BundleException("There is no " + Manifest.NAME
                    + " here, so this is no bundle. `edgeir export --bundle` makes one.");
        }
        return new Bundle(Manifest.parse(bytes), source);
    }

    /**
     * A file of the bundle.
     *
     * @throws BundleException it is missing, or not of the size and checksum that the manifest has
     */
    public byte[] read(String path) throws IOException {
        Manifest.Content stated = manifest.contents.get(path);
        if (stated == null) throw new BundleException("`" + path + "` is no file of the bundle.");
        if (stated.bytes > MOST_READ) {
            throw new BundleException("`" + path + "` has " + (stated.bytes >> 20) + " MiB, and this app's memory "
                    + "suffices for files of " + (MOST_READ >> 20) + ": choose a smaller bundle.");
        }
        byte[] bytes = source.read(path, stated.bytes);
        if (bytes == null)
            throw new BundleException("`" + path + "` is missing from the bundle. Get the bundle again.");
        if (bytes.length != stated.bytes || !sha256(bytes).equals(stated.sha256)) {
            throw new BundleException("`" + path + "` is damaged: its checksum is not that of " + Manifest.NAME
                    + ". Get the bundle again.");
        }
        return bytes;
    }

    /** An array of the bundle. */
    public Npy array(String path) throws IOException {
        return Npy.parse(read(path), path);
    }

    @Override
    public void close() throws IOException {
        source.close();
    }

    /** In hexadecimal digits. */
    public static String sha256(byte[] bytes) {
        try {
            StringBuilder text = new StringBuilder();
            for (byte one : MessageDigest.getInstance("SHA-256").digest(bytes)) {
                text.append(Character.forDigit(one >> 4 & 15, 16)).append(Character.forDigit(one & 15, 16));
            }
            return text.toString();
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError(error); // every Java has it
        }
    }
}
