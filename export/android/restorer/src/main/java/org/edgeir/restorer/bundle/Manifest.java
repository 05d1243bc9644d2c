package org.edgeir.restorer.bundle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code edgeir.json}, the manifest of a bundle, as far as an app needs it (edgeir/manifest/bundle.py has all). */
public final class Manifest {
    public static final String NAME = "edgeir.json";
    /** A hundred times the largest that is likely. */
    public static final int MAX_BYTES = 4 << 20;
    /** Of one file. */
    static final long MOST_BYTES = 1L << 40;

    private static final int VERSION = 1;
    private static final Pattern FORMAT = Pattern.compile("edgeir-bundle-(\\d{1,9})");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    /** Size and checksum of one file. */
    public static final class Content {
        public final long bytes;
        public final String sha256;

        private Content(long bytes, String sha256) {
            this.bytes = bytes;
            this.sha256 = sha256;
        }
    }

    /** The name of the checkpoint or of the zoo's network. */
    public final String source;

    public final Facts facts;
    /** The first one is the default. */
    public final List<ModelFile> files;

    public final Map<String, Content> contents;
    /** Null where none is stated. */
    public final String licence;

    private Manifest(String source, Facts facts, List<ModelFile> files, Map<String, Content> contents, String licence) {
        this.source = source;
        this.facts = facts;
        this.files = Collections.unmodifiableList(files);
        this.contents = Collections.unmodifiableMap(contents);
        this.licence = licence;
    }

    /**
     * Reads and checks a manifest.
     *
     * @throws BundleException it is damaged, or made by a newer edgeir
     */
    public static Manifest parse(byte[] bytes) throws BundleException {
        if (bytes.length > MAX_BYTES) throw Checked.damaged("it is larger than " + MAX_BYTES + " bytes");
        Checked top;
        try {
            top = Checked.of(Json.parse(bytes), "");
        } catch (IllegalArgumentException error) {
            throw Checked.damaged("it is no JSON: " + error.getMessage());
        }
        checkFormat(top);
        Map<String, Content> contents = readContents(top.object("contents"));
        Facts facts = Facts.read(top.object("facts"));
        List<ModelFile> files = new ArrayList<>();
        List<?> listed = top.list("files");
        for (int index = 0; index < listed.size(); index++) {
            ModelFile file = ModelFile.read(Checked.of(listed.get(index), "files[" + index + "]"), facts);
            checkListed(file, contents);
            files.add(file);
        }
        if (files.isEmpty()) throw Checked.damaged("`files` is empty");
        return new Manifest(top.text("source"), facts, files, contents, top.textOrNull("licence"));
    }

    /**
     * The first file of a format that this library can use.
     *
     * @param precision null: any
     * @throws BundleException there is none; the message says why
     */
    public ModelFile file(String target, String precision) throws BundleException {
        List<String> reasons = new ArrayList<>();
        for (ModelFile file : files) {
            if (!file.target.equals(target)) reasons.add(file.path + " is " + file.target);
            else if (precision != null && !file.precision.equals(precision))
                reasons.add(file.path + " is " + file.precision);
            else if (file.problem != null) reasons.add(file.path + ": " + file.problem);
            else return file;
        }
        throw new BundleException("The bundle has no " + (precision == null ? "" : precision + " ") + target
                + " file that runs here (" + Checked.joined(reasons, "; ")
                + "). Export one with `edgeir export --bundle --target " + target + "`.");
    }

    private static void checkFormat(Checked top) throws BundleException {
        String format = top.text("format");
        Matcher found = FORMAT.matcher(format);
        if (!found.matches()) {
            throw new BundleException(NAME + " has the format `" + format + "`, which this app does not know. "
                    + "Make a bundle with `edgeir export --bundle`.");
        }
        int version = Integer.parseInt(found.group(1));
        if (version > VERSION) {
            throw new BundleException("The bundle was made by a newer edgeir: its format is " + format
                    + ", this app reads edgeir-bundle-" + VERSION + ". Update the app.");
        }
        if (version < VERSION) throw Checked.damaged("there was no format " + format);
    }

    private static Map<String, Content> readContents(Checked contents) throws BundleException {
        Map<String, Content> result = new LinkedHashMap<>();
        for (Object name : contents.names()) {
            String path = Checked.inside((String) name, "contents");
            Checked entry = contents.object(path);
            String sha256 = entry.text("sha256");
            if (!SHA256.matcher(sha256).matches())
                throw Checked.damaged("`" + entry.place("sha256") + "` is no SHA-256");
            result.put(path, new Content(entry.whole("bytes", 0, MOST_BYTES), sha256));
        }
        if (result.containsKey(NAME)) throw Checked.damaged("`contents` lists " + NAME + " itself");
        return result;
    }

    private static void checkListed(ModelFile file, Map<String, Content> contents) throws BundleException {
        boolean folder = false;
        for (String path : contents.keySet()) folder |= path.startsWith(file.path + "/");
        if (!folder) checkListed(file.path, contents);
        if (file.golden == null) return;
        checkListed(file.golden.input, contents);
        checkListed(file.golden.output, contents);
        checkListed(file.golden.expected, contents);
    }

    private static void checkListed(String path, Map<String, Content> contents) throws BundleException {
        if (!contents.containsKey(path)) throw Checked.damaged("`contents` does not list `" + path + "`");
    }
}
