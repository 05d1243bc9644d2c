package org.edgeir.restorer.bundle;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;

/** Opens the library's reader to the tests of other packages. */
public final class JsonFile {
    private JsonFile() {}

    public static Object read(File file) throws IOException {
        return Json.parse(Files.readAllBytes(file.toPath()));
    }

    @SuppressWarnings("unchecked")
    public static List<Map<String, Object>> objects(Object list) {
        return (List<Map<String, Object>>) list;
    }

    /** Facts as Python writes them; what is absent has its default. */
    public static Facts facts(Map<?, ?> values) throws BundleException {
        java.util.Map<String, Object> all = new java.util.HashMap<>();
        all.put("task", "super-resolution");
        all.put("input_kind", "lr");
        all.put("colour", "rgb");
        for (String name : new String[] {"scale", "size_multiple", "tile_multiple"}) all.put(name, 1L);
        all.put("receptive_radius", 0L);
        for (Map.Entry<?, ?> entry : values.entrySet()) all.put((String) entry.getKey(), entry.getValue());
        return Facts.read(Checked.of(all, "facts"));
    }
}
