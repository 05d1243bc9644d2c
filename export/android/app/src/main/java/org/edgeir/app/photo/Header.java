package org.edgeir.app.photo;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.util.zip.InflaterInputStream;

/**
 * What a photo's file says beside its pixels: colour profile, EXIF, and whether it is gray. Of JPEG, PNG and WebP; of
 * other formats nothing.
 */
final class Header {
    /** A colour profile or an EXIF block larger than this is left out. */
    private static final int MOST = 8 << 20;
    /** A file with more parts than this before its pixels is read no further. */
    private static final int MOST_PARTS = 4096;

    private static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] PROFILE = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);

    /** Null where there is none. */
    byte[] icc;
    /** The TIFF block; null where there is none. */
    byte[] exif;

    boolean gray;
    /** The file ends before its image does. */
    boolean cut;

    private Header() {}

    /** Never fails: where a header is damaged, what was found before counts. */
    static Header of(File file) {
        Header header = new Header();
        try (RandomAccessFile bytes = new RandomAccessFile(file, "r")) {
            if (bytes.length() < 4) return header;
            int start = bytes.readInt();
            if (start >>> 16 == 0xffd8) header.jpeg(bytes);
            else if (start == 0x89504e47) header.png(bytes);
            else if (start == 0x52494646) header.webp(bytes); // RIFF
        } catch (EOFException error) {
            header.cut = true;
        } catch (IOException error) {
            // the decoder will say it
        }
        return header;
    }

    private void jpeg(RandomAccessFile file) throws IOException {
        byte[][] profile = new byte[256][];
        file.seek(2);
        for (int part = 0; part < MOST_PARTS; part++) {
            int marker = file.readUnsignedShort();
            while (marker == 0xffff) marker = 0xff00 | file.readUnsignedByte(); // fill bytes
            if (marker >>> 8 != 0xff || marker == 0xffda || marker == 0xffd9) break;
            int size = file.readUnsignedShort() - 2;
            if (size < 0) break;
            long end = file.getFilePointer() + size;
            if (marker == 0xffe1 && exif == null) exif = after(EXIF, read(file, size));
            else if (marker == 0xffe2) piece(after(PROFILE, read(file, size)), profile);
            else if (marker >= 0xffc0 && marker <= 0xffcf && marker != 0xffc4 && marker != 0xffc8 && marker != 0xffcc)
                gray = size > 5 && read(file, size)[5] == 1;
            file.seek(end);
        }
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] piece : profile) if (piece != null) whole.write(piece, 2, piece.length - 2);
        if (whole.size() > 0) icc = whole.toByteArray();
        findEnd(file);
    }

    /** Within coded pixels 0xff stands before 0x00 and the marks of restarts only. */
    private static void findEnd(RandomAccessFile file) throws IOException {
        byte[] chunk = new byte[1 << 16];
        int before = 0;
        for (int count; (count = file.read(chunk)) > 0; ) {
            for (int at = 0; at < count; at++) {
                if (before == 0xff && (chunk[at] & 0xff) == 0xd9) return;
                before = chunk[at] & 0xff;
            }
        }
        throw new EOFException();
    }

    /** A piece of a profile has its number, from 1 on, and their count. */
    private static void piece(byte[] piece, byte[][] profile) {
        if (piece != null && piece.length > 2) profile[piece[0] & 0xff] = piece;
    }

    private void png(RandomAccessFile file) throws IOException {
        file.seek(8);
        for (int part = 0; part < MOST_PARTS; ) {
            long size = file.readInt() & 0xffffffffL;
            int type = file.readInt();
            long end = file.getFilePointer() + size + 4;
            if (type == 0x49484452 && size >= 13) gray = (read(file, 13)[9] & 2) == 0; // IHDR; a palette has 3
            else if (type == 0x69434350 && size <= MOST) icc = inflated(read(file, (int) size)); // iCCP
            else if (type == 0x65584966 && size <= MOST) exif = read(file, (int) size); // eXIf
            else if (type == 0x49454e44) return; // IEND
            if (type != 0x49444154) part++; // the pixels' parts do not count
            file.seek(end);
        }
    }

    private void webp(RandomAccessFile file) throws IOException {
        file.seek(4);
        long whole = (Integer.reverseBytes(file.readInt()) & 0xffffffffL) + 8;
        if (file.readInt() != 0x57454250) return;
        if (file.length() < whole) throw new EOFException();
        for (int part = 0; part < MOST_PARTS && file.getFilePointer() + 8 <= whole; part++) {
            int type = file.readInt();
            long size = Integer.reverseBytes(file.readInt()) & 0xffffffffL;
            long end = file.getFilePointer() + size + (size & 1);
            if (type == 0x49434350 && size <= MOST) icc = read(file, (int) size); // ICCP
            if (type == 0x45584946 && size <= MOST) { // EXIF, with the JPEG's prefix or without
                byte[] block = read(file, (int) size);
                byte[] cut = after(EXIF, block);
                exif = cut == null ? block : cut;
            }
            file.seek(end);
        }
    }

    private static byte[] read(RandomAccessFile file, int size) throws IOException {
        if (file.length() - file.getFilePointer() < size) throw new EOFException();
        byte[] bytes = new byte[size];
        file.readFully(bytes);
        return bytes;
    }

    /** The rest of what begins so, else null. */
    private static byte[] after(byte[] prefix, byte[] bytes) {
        if (bytes.length < prefix.length) return null;
        for (int at = 0; at < prefix.length; at++) if (bytes[at] != prefix[at]) return null;
        byte[] rest = new byte[bytes.length - prefix.length];
        System.arraycopy(bytes, prefix.length, rest, 0, rest.length);
        return rest;
    }

    /** The profile of an iCCP chunk: a name, a zero, the method, and the profile deflated. */
    private static byte[] inflated(byte[] chunk) {
        int name = 0;
        while (name < chunk.length && chunk[name] != 0) name++;
        if (name + 2 >= chunk.length) return null;
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        try (InflaterInputStream stream = new InflaterInputStream(
                new java.io.ByteArrayInputStream(chunk, name + 2, chunk.length - name - 2))) {
            byte[] part = new byte[1 << 14];
            for (int count; (count = stream.read(part)) > 0; ) {
                whole.write(part, 0, count);
                if (whole.size() > MOST) return null;
            }
            return whole.toByteArray();
        } catch (IOException error) {
            return null;
        }
    }
}
