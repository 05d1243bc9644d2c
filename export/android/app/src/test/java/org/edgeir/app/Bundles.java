package org.edgeir.app;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.edgeir.restorer.TestData;

/** Bundles as zips, right ones and wrong ones. */
final class Bundles {
    private Bundles() {}

    /** The files of a bundle that Python made. */
    static Map<String, byte[]> files(String name) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        collect(TestData.made("bundles/" + name), "", files);
        return files;
    }

    private static void collect(File folder, String prefix, Map<String, byte[]> files) throws IOException {
        for (File file : folder.listFiles()) {
            if (file.isDirectory()) collect(file, prefix + file.getName() + "/", files);
            else files.put(prefix + file.getName(), Files.readAllBytes(file.toPath()));
        }
    }

    static byte[] zip(Map<String, byte[]> files) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                zip.putNextEntry(new ZipEntry(file.getKey()));
                zip.write(file.getValue());
            }
        }
        return bytes.toByteArray();
    }

    static File write(File file, byte[] bytes) throws IOException {
        try (FileOutputStream out = new FileOutputStream(file)) {
            out.write(bytes);
        }
        return file;
    }
}
