package org.edgeir.app.photo;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A TIFF block of EXIF tags, changed in place: a maker's notes point to offsets of their own, so nothing is moved.
 * What a block says of the stored pixels alone goes: orientation, thumbnail, and what may name the place as well.
 */
final class Exif {
    private static final int ORIENTATION = 0x0112;
    private static final int XMP = 0x02bc;
    private static final int IPTC = 0x83bb;
    private static final int PHOTOSHOP = 0x8649;
    private static final int EXIF_DIRECTORY = 0x8769;
    private static final int GPS_DIRECTORY = 0x8825;
    private static final int WIDTH = 0xa002;
    private static final int HEIGHT = 0xa003;

    private static final int SHORT = 3;
    private static final int LONG = 4;
    /** Bytes of TIFF's types, 1 to 12. */
    private static final int[] BYTES = {1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};

    private static final int ENTRY = 12;

    private final ByteBuffer block;

    private Exif(byte[] bytes) {
        block = ByteBuffer.wrap(bytes);
        int order = block.getShort(0);
        if (order != 0x4949 && order != 0x4d4d) throw new IllegalArgumentException("no TIFF");
        block.order(order == 0x4949 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        if (block.getShort(2) != 42) throw new IllegalArgumentException("no TIFF");
    }

    /** The orientation that a block states, 1 to 8; 1 where it states none or is damaged. */
    static int orientation(byte[] tiff) {
        if (tiff == null) return 1;
        try {
            Exif exif = new Exif(tiff);
            int entry = exif.find(exif.block.getInt(4), ORIENTATION);
            int value = entry < 0 || exif.type(entry) != SHORT ? 1 : exif.block.getShort(entry + 8);
            return value >= 1 && value <= 8 ? value : 1;
        } catch (IndexOutOfBoundsException | IllegalArgumentException | BufferUnderflowException error) {
            return 1;
        }
    }

    /**
     * The block for the upright result; null: there is none, or it is damaged.
     *
     * @param width of the result, in pixels
     */
    static byte[] of(byte[] tiff, boolean keepsLocation, int width, int height) {
        if (tiff == null) return null;
        byte[] bytes = tiff.clone();
        try {
            Exif exif = new Exif(bytes);
            exif.clean(keepsLocation, width, height);
            return bytes;
        } catch (IndexOutOfBoundsException | IllegalArgumentException | BufferUnderflowException error) {
            return null; // a place in a damaged block might stay
        }
    }

    private void clean(boolean keepsLocation, int width, int height) {
        int main = block.getInt(4);
        dropThumbnail(main);
        int orientation = find(main, ORIENTATION);
        if (orientation >= 0) put(orientation, 1);
        drop(main, XMP);
        drop(main, IPTC);
        drop(main, PHOTOSHOP);
        int gps = find(main, GPS_DIRECTORY);
        if (gps >= 0 && !keepsLocation) {
            wipeDirectory(block.getInt(gps + 8));
            drop(main, GPS_DIRECTORY);
        }
        int details = find(main, EXIF_DIRECTORY);
        if (details < 0) return;
        int directory = block.getInt(details + 8);
        int wide = find(directory, WIDTH);
        int high = find(directory, HEIGHT);
        if (wide >= 0) put(wide, width);
        if (high >= 0) put(high, height);
    }

    private int count(int directory) {
        return block.getShort(directory) & 0xffff;
    }

    /** Offset of an entry, or -1. */
    private int find(int directory, int tag) {
        for (int index = 0; index < count(directory); index++) {
            int entry = directory + 2 + ENTRY * index;
            if ((block.getShort(entry) & 0xffff) == tag) return entry;
        }
        return -1;
    }

    private int type(int entry) {
        return block.getShort(entry + 2) & 0xffff;
    }

    /** Sets a number; it becomes a LONG where a SHORT does not hold it. */
    private void put(int entry, int value) {
        boolean isShort = type(entry) == SHORT && value <= 0xffff;
        block.putShort(entry + 2, (short) (isShort ? SHORT : LONG));
        block.putInt(entry + 4, 1);
        block.putInt(entry + 8, 0);
        if (isShort) block.putShort(entry + 8, (short) value);
        else block.putInt(entry + 8, value);
    }

    /** Takes an entry out, with what it points to. */
    private void drop(int directory, int tag) {
        int entry = find(directory, tag);
        if (entry < 0) return;
        wipeValue(entry);
        int end = directory + 2 + ENTRY * count(directory) + 4; // the offset of the next directory follows
        byte[] bytes = block.array();
        System.arraycopy(bytes, entry + ENTRY, bytes, entry, end - entry - ENTRY);
        wipe(end - ENTRY, ENTRY);
        block.putShort(directory, (short) (count(directory) - 1));
    }

    private void dropThumbnail(int main) {
        int link = main + 2 + ENTRY * count(main);
        int next = block.getInt(link);
        if (next == 0) return;
        int start = find(next, 0x0201);
        int size = find(next, 0x0202);
        if (start >= 0 && size >= 0) wipe(block.getInt(start + 8), block.getInt(size + 8));
        wipeDirectory(next);
        block.putInt(link, 0);
    }

    private void wipeDirectory(int directory) {
        int count = count(directory);
        for (int index = 0; index < count; index++) wipeValue(directory + 2 + ENTRY * index);
        wipe(directory, 2 + ENTRY * count);
    }

    private void wipeValue(int entry) {
        int type = type(entry);
        long size = (long) BYTES[type < BYTES.length ? type : 0] * (block.getInt(entry + 4) & 0xffffffffL);
        if (size > 4) wipe(block.getInt(entry + 8), size);
    }

    private void wipe(long start, long size) {
        if (start < 8 || size < 0 || start + size > block.capacity()) throw new IndexOutOfBoundsException();
        for (long at = start; at < start + size; at++) block.put((int) at, (byte) 0);
    }
}
