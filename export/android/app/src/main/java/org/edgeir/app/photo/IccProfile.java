package org.edgeir.app.photo;

import android.graphics.ColorSpace;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.edgeir.app.Newer;

/** Writes a colour space as an ICC profile (version 4.3, ICC.1:2010: matrix and parametric curve, tables 20 to 65). */
@Newer(than = 26)
final class IccProfile {
    private static final int HEADER = 128;
    private static final float[] D50 = {0.9642f, 1f, 0.8249f};

    private static final class Tag {
        final int name;
        final byte[] data;

        Tag(String name, byte[] data) {
            this.name = ByteBuffer.wrap(name.getBytes(StandardCharsets.US_ASCII)).getInt();
            this.data = data;
        }
    }

    private IccProfile() {}

    /** Null where the space has no parametric curve. */
    static byte[] of(ColorSpace.Rgb space) {
        ColorSpace.Rgb.TransferParameters curve = space.getTransferParameters();
        if (curve == null) return null;
        // Adapted to D50: columns are what red, green and blue are in XYZ.
        float[] matrix = ((ColorSpace.Rgb) ColorSpace.adapt(space, ColorSpace.ILLUMINANT_D50)).getTransform();
        byte[] trc = parametric(curve);
        List<Tag> tags = new ArrayList<>();
        tags.add(new Tag("desc", text(space.getName())));
        tags.add(new Tag("cprt", text("CC0")));
        tags.add(new Tag("wtpt", xyz(D50[0], D50[1], D50[2])));
        String[] names = {"r", "g", "b"};
        for (int c = 0; c < 3; c++) {
            tags.add(new Tag(names[c] + "XYZ", xyz(matrix[3 * c], matrix[3 * c + 1], matrix[3 * c + 2])));
            tags.add(new Tag(names[c] + "TRC", trc));
        }
        return profile(tags);
    }

    private static byte[] profile(List<Tag> tags) {
        int size = HEADER + 4 + 12 * tags.size();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        ByteBuffer table = ByteBuffer.allocate(4 + 12 * tags.size()).putInt(tags.size());
        for (Tag tag : tags) {
            table.putInt(tag.name).putInt(size + data.size()).putInt(tag.data.length);
            data.write(tag.data, 0, tag.data.length);
            while (data.size() % 4 != 0) data.write(0);
        }
        ByteBuffer profile = ByteBuffer.allocate(size + data.size());
        profile.putInt(profile.capacity()).putInt(0).putInt(0x04300000);
        profile.put("mntrRGB XYZ ".getBytes(StandardCharsets.US_ASCII));
        profile.position(36);
        profile.put("acsp".getBytes(StandardCharsets.US_ASCII));
        profile.position(68);
        for (float value : D50) profile.putInt(fixed(value));
        profile.position(HEADER);
        return profile.put(table.array()).put(data.toByteArray()).array();
    }

    /** Type 4: (a x + b)^g + e from d on, c x + f below. */
    private static byte[] parametric(ColorSpace.Rgb.TransferParameters curve) {
        ByteBuffer data = ByteBuffer.allocate(12 + 7 * 4);
        data.put("para".getBytes(StandardCharsets.US_ASCII)).putInt(0).putShort((short) 4).putShort((short) 0);
        double[] values = {curve.g, curve.a, curve.b, curve.c, curve.d, curve.e, curve.f};
        for (double value : values) data.putInt(fixed(value));
        return data.array();
    }

    private static byte[] xyz(float x, float y, float z) {
        ByteBuffer data = ByteBuffer.allocate(20);
        data.put("XYZ ".getBytes(StandardCharsets.US_ASCII)).putInt(0);
        return data.putInt(fixed(x)).putInt(fixed(y)).putInt(fixed(z)).array();
    }

    /** One text, in English. */
    private static byte[] text(String text) {
        byte[] words = text.getBytes(StandardCharsets.UTF_16BE);
        ByteBuffer data = ByteBuffer.allocate(28 + words.length);
        data.put("mluc".getBytes(StandardCharsets.US_ASCII)).putInt(0).putInt(1).putInt(12);
        data.put("enUS".getBytes(StandardCharsets.US_ASCII)).putInt(words.length).putInt(28);
        return data.put(words).array();
    }

    private static int fixed(double value) {
        return (int) Math.round(value * 65536);
    }
}
