package org.edgeir.app;

import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.BitmapRegionDecoder;
import android.graphics.ColorSpace;
import android.graphics.Rect;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.shadow.api.Shadow;

/** Robolectric's own gives empty bitmaps: this one decodes the file by Android's decoder, and cuts the region out. */
@Implements(BitmapRegionDecoder.class)
public class ShadowRegions {
    private String path;
    private int width;
    private int height;
    /** Pixels of the largest photo that is decoded whole. */
    private static final long LARGE = 30_000_000;

    @Implementation
    protected static BitmapRegionDecoder newInstance(String path, boolean shareable) throws IOException {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(path, options);
        String type = String.valueOf(options.outMimeType);
        if (!type.equals("image/jpeg") && !type.equals("image/png") && !type.equals("image/webp"))
            throw new IOException("Image format not supported");
        BitmapRegionDecoder decoder = Shadow.newInstanceOf(BitmapRegionDecoder.class);
        ShadowRegions shadow = Shadow.extract(decoder);
        shadow.path = path;
        shadow.width = options.outWidth;
        shadow.height = options.outHeight;
        return decoder;
    }

    @Implementation
    protected int getWidth() {
        return width;
    }

    @Implementation
    protected int getHeight() {
        return height;
    }

    @Implementation
    protected void recycle() {}

    @Implementation
    protected Bitmap decodeRegion(Rect rect, BitmapFactory.Options options) {
        if (path == null) throw new IllegalStateException("decodeRegion called on recycled region decoder");
        if (rect.left < 0 || rect.top < 0 || rect.right > width || rect.bottom > height || rect.isEmpty())
            throw new IllegalArgumentException("rectangle is outside the image");
        if ((long) width * height > LARGE) return ofLarge(rect);
        Bitmap whole = BitmapFactory.decodeFile(path, options);
        if (whole == null) throw new IllegalArgumentException("cannot be decoded");
        int sample = Math.max(1, options.inSampleSize);
        int left = Math.min(rect.left / sample, whole.getWidth() - 1);
        int top = Math.min(rect.top / sample, whole.getHeight() - 1);
        int wide = Math.max(1, Math.min(rect.width() / sample, whole.getWidth() - left));
        int high = Math.max(1, Math.min(rect.height() / sample, whole.getHeight() - top));
        ByteBuffer all = ByteBuffer.allocate(whole.getByteCount());
        whole.copyPixelsToBuffer(all);
        ByteBuffer part = ByteBuffer.allocate(4 * wide * high);
        for (int y = 0; y < high; y++) part.put(all.array(), 4 * ((top + y) * whole.getWidth() + left), 4 * wide);
        part.rewind();
        ColorSpace space = whole.getColorSpace();
        boolean alpha = whole.hasAlpha();
        Bitmap region = space instanceof ColorSpace.Rgb
                ? Bitmap.createBitmap(wide, high, Bitmap.Config.ARGB_8888, alpha, space)
                : Bitmap.createBitmap(wide, high, Bitmap.Config.ARGB_8888);
        region.setPremultiplied(whole.isPremultiplied());
        region.copyPixelsFromBuffer(part);
        whole.recycle();
        return region;
    }

    /** By Java's own decoder, which holds the region alone; its colours differ by rounding. */
    private Bitmap ofLarge(Rect rect) {
        try (ImageInputStream stream = ImageIO.createImageInputStream(new File(path))) {
            ImageReader reader = ImageIO.getImageReaders(stream).next();
            reader.setInput(stream, true, true);
            ImageReadParam wanted = reader.getDefaultReadParam();
            wanted.setSourceRegion(new Rectangle(rect.left, rect.top, rect.width(), rect.height()));
            BufferedImage read = reader.read(0, wanted);
            reader.dispose();
            Bitmap region = Bitmap.createBitmap(rect.width(), rect.height(), Bitmap.Config.ARGB_8888, false);
            int[] line = new int[rect.width()];
            for (int y = 0; y < rect.height(); y++) {
                read.getRGB(0, y, line.length, 1, line, 0, line.length);
                region.setPixels(line, 0, line.length, 0, y, line.length, 1);
            }
            return region;
        } catch (IOException error) {
            throw new IllegalArgumentException(error);
        }
    }
}
