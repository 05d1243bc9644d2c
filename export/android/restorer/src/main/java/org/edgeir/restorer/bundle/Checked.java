package org.edgeir.restorer.bundle;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** One object of a manifest: gives its entries in the type asked for, or says which one is wrong. */
final class Checked {
    private static final int SIDE = 1_000_000;

    private final Map<?, ?> values;
    private final String where;

    private Checked(Map<?, ?> values, String where) {
        this.values = values;
        this.where = where;
    }

    static Checked of(Object value, String where) throws BundleException {
        if (!(value instanceof Map)) throw damaged("`" + where + "` is no object");
        return new Checked((Map<?, ?>) value, where);
    }

    static BundleException damaged(String what) {
        return new BundleException(
                Manifest.NAME + " is damaged: " + what + ". Get the bundle again, or export it again.");
    }

    /** Its names are paths. */
    Iterable<?> names() {
        return values.keySet();
    }

    Checked object(String name) throws BundleException {
        return of(values.get(name), place(name));
    }

    /** Null where it is absent or null. */
    Checked objectOrNull(String name) throws BundleException {
        return values.get(name) == null ? null : object(name);
    }

    /** Empty where it is absent. */
    List<?> list(String name) throws BundleException {
        Object value = values.get(name);
        if (value == null && !values.containsKey(name)) return Collections.emptyList();
        if (!(value instanceof List)) throw damaged("`" + place(name) + "` is no list");
        return (List<?>) value;
    }

    String text(String name) throws BundleException {
        Object value = values.get(name);
        if (!(value instanceof String)) throw damaged("`" + place(name) + "` is no text");
        return (String) value;
    }

    String textOrNull(String name) throws BundleException {
        return values.get(name) == null ? null : text(name);
    }

    String oneOf(String name, String... known) throws BundleException {
        String value = text(name);
        for (String one : known) if (one.equals(value)) return value;
        throw damaged("`" + place(name) + "` is `" + value + "`, not " + joined(Arrays.asList(known), " or "));
    }

    long whole(String name, long least, long most) throws BundleException {
        return whole(values.get(name), place(name), least, most);
    }

    double number(String name) throws BundleException {
        Object value = values.get(name);
        if (!(value instanceof Number)) throw damaged("`" + place(name) + "` is no number");
        return ((Number) value).doubleValue();
    }

    double positive(String name) throws BundleException {
        double value = number(name);
        if (!(value > 0) || Double.isInfinite(value)) throw damaged("`" + place(name) + "` is no number above 0");
        return value;
    }

    Double numberOrNull(String name) throws BundleException {
        return values.get(name) == null ? null : number(name);
    }

    /** A path that lies inside the bundle. */
    String inside(String name) throws BundleException {
        return inside(text(name), place(name));
    }

    static String inside(String path, String where) throws BundleException {
        boolean bad = path.isEmpty() || path.indexOf('\\') >= 0 || path.indexOf(':') >= 0;
        for (int index = 0; index < path.length(); index++) bad |= Character.isISOControl(path.charAt(index));
        for (String part : path.split("/", -1)) bad |= part.isEmpty() || part.equals(".") || part.equals("..");
        if (bad) throw damaged("`" + where + "` is `" + path + "`, which is no path inside the bundle");
        return path;
    }

    /** A height or a width; null for a free one. */
    static Integer side(Object value, String where) throws BundleException {
        return value == null ? null : (int) whole(value, where, 1, SIDE);
    }

    private static long whole(Object value, String where, long least, long most) throws BundleException {
        if (!(value instanceof Long) || (Long) value < least || (Long) value > most) {
            throw damaged("`" + where + "` is " + value + ", not a whole number from " + least + " to " + most);
        }
        return (Long) value;
    }

    /** {@code String.join}, which Android 7 has not. */
    static String joined(Iterable<String> parts, String between) {
        StringBuilder text = new StringBuilder();
        for (String part : parts) text.append(text.length() > 0 ? between : "").append(part);
        return text.toString();
    }

    String place(String name) {
        return where.isEmpty() ? name : where + "." + name;
    }
}
