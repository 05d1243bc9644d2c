package org.edgeir.restorer.pixels;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/** Writes a PNG strip by strip: the result never exists whole in memory. The stream is not closed. */
public final class PngSink implements ImageSink {
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int CHUNK = 1 << 16;
    /** Of samples when a row's filter is chosen. */
    private static final int PROBE = 7;

    private final OutputStream out;
    private final byte[] icc;
    private final byte[] exif;
    private final Deflater deflater;
    private final byte[] packed = new byte[CHUNK];
    private int step;
    private byte[] previous;
    private byte[] line;
    private int missing;

    public PngSink(OutputStream out) {
        this(out, null, null, 4);
    }

    /**
     * With what is kept beside the pixels.
     *
     * @param icc colour profile of the samples, or null
     * @param exif a TIFF block of EXIF tags, or null; its orientation must be 1
     * @param level of deflate, 1 (fast) to 9 (small)
     */
    public PngSink(OutputStream out, byte[] icc, byte[] exif, int level) {
        this.out = out;
        this.icc = icc;
        this.exif = exif;
        this.deflater = new Deflater(level);
    }

    @Override
    public void begin(int width, int height, int colours, boolean hasAlpha) throws IOException {
        step = colours + (hasAlpha ? 1 : 0);
        previous = new byte[Math.multiplyExact(width, step)];
        line = new byte[previous.length + 1];
        missing = height;
        out.write(SIGNATURE);
        byte type = (byte) ((colours == 3 ? 2 : 0) + (hasAlpha ? 4 : 0));
        chunk(
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(width)
                        .putInt(height)
                        .put((byte) 8)
                        .put(type)
                        .array(),
                13);
        if (icc != null) {
            ByteArrayOutputStream profile = new ByteArrayOutputStream();
            profile.write("ICC profile\0\0".getBytes(StandardCharsets.US_ASCII));
            try (DeflaterOutputStream stream = new DeflaterOutputStream(profile)) {
                stream.write(icc);
            }
            chunk("iCCP", profile.toByteArray(), profile.size());
        }
        if (exif != null) chunk("eXIf", exif, exif.length);
    }

    @Override
    public void rows(byte[] samples, int count) throws IOException {
        for (int row = 0; row < count; row++) {
            filter(samples, row * previous.length);
            System.arraycopy(samples, row * previous.length, previous, 0, previous.length);
            deflater.setInput(line);
            while (!deflater.needsInput()) pack();
        }
        missing -= count;
    }

    @Override
    public void finish() throws IOException {
        if (missing != 0) throw new IllegalStateException(missing + " rows are missing");
        deflater.finish();
        while (!deflater.finished()) pack();
        deflater.end();
        chunk("IEND", new byte[0], 0);
        out.flush();
    }

    @Override
    public void abort() {
        deflater.end();
    }

    private void pack() throws IOException {
        int count = deflater.deflate(packed);
        if (count > 0) chunk("IDAT", packed, count);
    }

    /** The differences from the left or from above, whichever are smaller in sum. */
    private void filter(byte[] samples, int start) {
        int left = 0;
        int above = 0;
        for (int x = step; x < previous.length; x += PROBE) {
            left += Math.abs((byte) (samples[start + x] - samples[start + x - step]));
            above += Math.abs((byte) (samples[start + x] - previous[x]));
        }
        line[0] = (byte) (left <= above ? 1 : 2);
        for (int x = 0; x < previous.length; x++) {
            int before = left > above ? previous[x] : x < step ? 0 : samples[start + x - step];
            line[x + 1] = (byte) (samples[start + x] - before);
        }
    }

    private void chunk(String name, byte[] data, int size) throws IOException {
        byte[] type = name.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(type);
        crc.update(data, 0, size);
        out.write(ByteBuffer.allocate(8).putInt(size).put(type).array());
        out.write(data, 0, size);
        out.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }
}
