package org.edgeir.app.photo;

import android.content.Context;
import android.os.Build;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.edgeir.app.R;

/** What kind of file Android could not decode, by its first bytes, and what helps: names of files say little. */
enum Kind {
    /** HEIC or AVIF: Android reads them where the phone has the codec. */
    HEIF,
    /** Of a camera's sensor: DNG, and formats of makers. */
    RAW,
    TIFF,
    JPEG_XL,
    SVG,
    PDF,
    PSD,
    VIDEO,
    /** One that Android reads, so that the file itself is wrong. */
    READABLE,
    UNKNOWN;

    private static final int READ = 1 << 12;
    private static final int DNG_VERSION = 0xc612;
    /** Where makers' files keep the sensor's values. */
    private static final int SUB_DIRECTORIES = 0x014a;

    /** Why a file cannot be restored that Android does not decode, and what to do. */
    static String problem(Context context, File file) {
        String android = Build.VERSION.RELEASE;
        Kind kind = of(file);
        switch (kind) {
            case HEIF:
                return context.getString(R.string.no_heif, android);
            case RAW:
                return context.getString(R.string.no_raw, android);
            case VIDEO:
                return context.getString(R.string.no_video);
            case READABLE:
                return context.getString(R.string.damaged_photo);
            case UNKNOWN:
                return context.getString(R.string.no_photo, android);
            default:
                return context.getString(R.string.no_format, kind.name().replace('_', ' '), android);
        }
    }

    static Kind of(File file) {
        byte[] bytes = new byte[READ];
        try (RandomAccessFile stream = new RandomAccessFile(file, "r")) {
            int count = 0;
            for (int more; count < READ && (more = stream.read(bytes, count, READ - count)) > 0; ) count += more;
            return of(ByteBuffer.wrap(bytes, 0, count).slice());
        } catch (IOException error) {
            return UNKNOWN;
        }
    }

    private static Kind of(ByteBuffer file) {
        String text = StandardCharsets.ISO_8859_1.decode(file.duplicate()).toString();
        if (text.startsWith("\u00ff\u00d8") || text.startsWith("\u0089PNG") || text.startsWith("GIF8")) return READABLE;
        if (text.startsWith("RIFF") && text.startsWith("WEBP", 8)) return READABLE;
        if (text.startsWith("ftyp", 4)) return ofBrands(text.substring(8, Math.max(8, Math.min(text.length(), size(file)))));
        if (text.startsWith("FUJIFILMCCD-RAW") || text.startsWith("FOVb")) return RAW;
        if (text.startsWith("IIRO") || text.startsWith("IIRS") || text.startsWith("MMOR") || text.startsWith("IIU\0"))
            return RAW;
        if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return ofDirectory(file, text);
        if (text.startsWith("\u00ff\n") || text.startsWith("\0\0\0\fJXL ")) return JPEG_XL;
        if (text.startsWith("%PDF")) return PDF;
        if (text.startsWith("8BPS")) return PSD;
        return text.contains("<svg") ? SVG : UNKNOWN;
    }

    /** Of the first box, of ISO/IEC 14496-12. */
    private static int size(ByteBuffer file) {
        int size = file.getInt(0);
        return size < 0 ? Integer.MAX_VALUE : size;
    }

    /** Four letters each: the file's own brand, its version, and brands whose readers can read it as well. */
    private static Kind ofBrands(String brands) {
        if (brands.startsWith("crx")) return RAW;
        for (int at = 0; at < brands.length(); at += 4) {
            String brand = brands.substring(at, Math.min(at + 4, brands.length()));
            boolean still = brand.startsWith("hei") || brand.startsWith("hev") || brand.startsWith("avi");
            if (still || brand.equals("mif1") || brand.equals("msf1")) return HEIF;
        }
        return VIDEO;
    }

    /** A TIFF; those of cameras are told by their tags. */
    private static Kind ofDirectory(ByteBuffer file, String text) {
        if (text.startsWith("CR", 8)) return RAW;
        file.order(text.startsWith("II") ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
        try {
            int directory = file.getInt(4);
            int count = file.getShort(directory) & 0xffff;
            for (int index = 0; index < count; index++) {
                int tag = file.getShort(directory + 2 + 12 * index) & 0xffff;
                if (tag == DNG_VERSION || tag == SUB_DIRECTORIES) return RAW;
            }
        } catch (IndexOutOfBoundsException | BufferUnderflowException error) {
            // the directory lies behind the image, or nowhere
        }
        return TIFF;
    }
}
