package org.edgeir.restorer.bundle;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An array of NumPy's {@code .npy} format: float32 (little-endian), uint8 or int8, in C order. */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final Pattern TYPE = Pattern.compile("'descr':\\s*'(<f4|\\|u1|\\|i1)'");
    private static final Pattern ORDER = Pattern.compile("'fortran_order':\\s*False");
    private static final Pattern SHAPE = Pattern.compile("'shape':\\s*\\(([\\d,\\s]*)\\)");

    public final int[] shape;
    public final TensorSpec.Type type;
    /** The values, little-endian; its position is 0. */
    public final ByteBuffer data;

    private Npy(int[] shape, TensorSpec.Type type, ByteBuffer data) {
        this.shape = shape;
        this.type = type;
        this.data = data;
    }

    /**
     * Reads an array.
     *
     * @throws BundleException it is none, or cut off
     */
    public static Npy parse(byte[] bytes, String path) throws BundleException {
        boolean right = bytes.length > 12;
        for (int index = 0; right && index < MAGIC.length; index++) right = bytes[index] == MAGIC[index];
        if (!right) throw new BundleException("`" + path + "` is no .npy file. Get the bundle again.");
        ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int start = bytes[6] > 1 ? 12 : 10;
        long end = start + (bytes[6] > 1 ? all.getInt(8) & 0xffffffffL : all.getShort(8) & 0xffffL);
        if (end > bytes.length) throw new BundleException("`" + path + "` is cut off. Get the bundle again.");
        String header = new String(bytes, start, (int) end - start, StandardCharsets.ISO_8859_1);
        Matcher type = TYPE.matcher(header);
        Matcher shape = SHAPE.matcher(header);
        if (!type.find() || !ORDER.matcher(header).find() || !shape.find()) {
            throw new BundleException(
                    "`" + path + "` holds no float32, uint8 or int8 array in C order. Get the bundle again.");
        }
        TensorSpec.Type found = type.group(1).equals("<f4")
                ? TensorSpec.Type.FLOAT32
                : type.group(1).equals("|u1") ? TensorSpec.Type.UINT8 : TensorSpec.Type.INT8;
        int[] sides = sides(shape.group(1), path);
        double size = found.bytes;
        for (int side : sides) size *= side;
        if (size != bytes.length - end) throw new BundleException("`" + path + "` is cut off. Get the bundle again.");
        all.position((int) end);
        return new Npy(sides, found, all.slice().order(ByteOrder.LITTLE_ENDIAN));
    }

    /** The value at an index, as it is stored. */
    public float value(int index) {
        switch (type) {
            case FLOAT32:
                return data.getFloat(4 * index);
            case UINT8:
                return data.get(index) & 0xff;
            default:
                return data.get(index);
        }
    }

    /** Number of values. */
    public int size() {
        return data.capacity() / type.bytes;
    }

    private static int[] sides(String text, String path) throws BundleException {
        String[] parts = text.trim().isEmpty() ? new String[0] : text.trim().split("\\s*,\\s*");
        int[] sides = new int[parts.length];
        try {
            for (int index = 0; index < parts.length; index++) sides[index] = Integer.parseInt(parts[index].trim());
        } catch (NumberFormatException error) {
            throw new BundleException("`" + path + "` has no shape. Get the bundle again.", error);
        }
        return sides;
    }
}
