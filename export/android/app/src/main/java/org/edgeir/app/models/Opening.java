package org.edgeir.app.models;

import android.content.Context;
import android.net.Uri;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import org.edgeir.app.Copying;
import org.edgeir.app.R;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.BundleException;

/** Takes a bundle from another app: it is copied, checked, and kept only if a model of it can run here. */
public final class Opening {
    private static final long MOST_BYTES = 256L << 20;
    private static final int CHUNK = 1 << 16;

    private Opening() {}

    /**
     * The first model of the bundle behind a URI; a bundle that is there already is not kept twice.
     *
     * @throws IOException it is none, or none that this app can use; the message is for the user
     */
    public static Model take(Context context, Models models, Uri uri) throws IOException {
        File folder = models.file("x").getParentFile();
        if (!folder.isDirectory() && !folder.mkdirs())
            throw new IOException(context.getString(R.string.cannot_keep, folder.getName()));
        File copy = File.createTempFile("opened", ".new", folder);
        try {
            Copying.copy(context, uri, copy, MOST_BYTES);
            check(copy);
            String sha256 = sha256(copy);
            if (!copy.renameTo(models.file(sha256)))
                throw new IOException(context.getString(R.string.cannot_keep, copy.getName()));
            return models.added(sha256);
        } finally {
            copy.delete(); // what was renamed is not there any more
        }
    }

    /** Reads all that will be used, so that a damaged bundle is found now. */
    private static void check(File file) throws IOException {
        try (Bundle bundle = Bundle.open(file)) {
            bundle.manifest.file(Models.TARGET, null); // says why there is none
            List<Model> usable = Models.usable("", bundle);
            for (Model model : usable) {
                bundle.read(model.file.path);
                if (model.file.golden == null) continue;
                bundle.read(model.file.golden.input);
                bundle.read(model.file.golden.output);
                bundle.read(model.file.golden.expected);
            }
        } catch (OutOfMemoryError error) {
            throw new BundleException("The memory does not suffice for this bundle.", error);
        }
    }

    private static String sha256(File file) throws IOException {
        try (InputStream stream = new FileInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] chunk = new byte[CHUNK];
            for (int count; (count = stream.read(chunk)) > 0; ) digest.update(chunk, 0, count);
            StringBuilder text = new StringBuilder();
            for (byte one : digest.digest()) text.append(String.format(Locale.ROOT, "%02x", one));
            return text.toString();
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError(error); // every Android has it
        }
    }
}
