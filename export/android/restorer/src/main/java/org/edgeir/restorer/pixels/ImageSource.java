package org.edgeir.restorer.pixels;

import java.io.IOException;

/** An image that is read region by region, upright, 8 bits a sample. The restorer calls it from one thread. */
public interface ImageSource {
    int width();

    int height();

    /** 1 for gray, 3 for red, green and blue. */
    int colours();

    /** Whether a plane of straight (not premultiplied) alpha follows the colours. */
    boolean hasAlpha();

    /**
     * Reads rows [top, bottom), whole, into `samples`: row by row, the planes of a pixel side by side, alpha last.
     *
     * @throws IOException the image is damaged or gone
     */
    void read(int top, int bottom, byte[] samples) throws IOException;

    /** Colours and alpha. */
    default int planes() {
        return colours() + (hasAlpha() ? 1 : 0);
    }
}
