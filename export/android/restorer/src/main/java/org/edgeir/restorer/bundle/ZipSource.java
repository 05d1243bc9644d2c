package org.edgeir.restorer.bundle;

import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** A zipped bundle, which may lie in one folder of the zip. Nothing is unpacked but the files that are read. */
public final class ZipSource implements Source {
    private static final int MAX_ENTRIES = 10_000;

    private final ZipFile zip;
    private final String prefix;

    /**
     * Opens a zip.
     *
     * @throws BundleException it is none, is damaged, or has names that lead out of it
     */
    public ZipSource(File file) throws IOException {
        try {
            zip = new ZipFile(file);
        } catch (ZipException | EOFException | IllegalArgumentException error) { // the last: a name that is no UTF-8
            throw new BundleException(
                    file.getName() + " is no zip archive, or it was cut off: choose a bundle's .zip, or get it again.",
                    error);
        }
        try {
            prefix = checkedPrefix();
        } catch (IOException | RuntimeException error) {
            zip.close();
            throw error;
        }
    }

    @Override
    public byte[] read(String path, long most) throws IOException {
        ZipEntry entry = zip.getEntry(prefix + path);
        if (entry == null || entry.isDirectory()) return null;
        try (InputStream stream = zip.getInputStream(entry)) {
            return Reading.all(stream, path, most);
        } catch (ZipException | EOFException error) {
            throw new BundleException("The zip archive is damaged: `" + path + "`. Get the bundle again.", error);
        }
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }

    private String checkedPrefix() throws BundleException {
        if (zip.size() > MAX_ENTRIES)
            throw new BundleException("The zip archive has " + zip.size() + " files: it is no bundle.");
        String found = null;
        for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
            String name = all.nextElement().getName();
            if (leadsOut(name))
                throw new BundleException(
                        "The zip archive has the name `" + name + "`, which leads out of it. Do not use it.");
            boolean manifest = name.equals(Manifest.NAME) || name.endsWith("/" + Manifest.NAME);
            if (manifest && (found == null || name.length() < found.length())) found = name;
        }
        return found == null ? "" : found.substring(0, found.length() - Manifest.NAME.length());
    }

    private static boolean leadsOut(String name) {
        if (name.startsWith("/") || name.indexOf('\\') >= 0 || name.indexOf(':') >= 0) return true;
        for (String part : name.split("/", -1)) if (part.equals("..")) return true;
        return false;
    }
}
