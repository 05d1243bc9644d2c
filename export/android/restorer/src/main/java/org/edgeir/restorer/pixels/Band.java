package org.edgeir.restorer.pixels;

import java.io.IOException;

/** Rows [top, bottom) of an image, whole. Its array is used again from one band to the next. */
public final class Band {
    final int imageHeight;
    final int width;
    final int planes;
    final int colours;
    byte[] samples = new byte[0];
    int top;
    int bottom;

    public Band(ImageSource source) {
        imageHeight = source.height();
        width = source.width();
        planes = source.planes();
        colours = source.colours();
    }

    /** Reads rows [top, bottom), in the array of the band before if it is large enough. */
    public void read(ImageSource source, int top, int bottom) throws IOException {
        int size = Math.multiplyExact(Math.multiplyExact(bottom - top, width), planes);
        if (samples.length < size) {
            samples = new byte[0]; // before the larger one is there
            samples = new byte[size];
        }
        source.read(top, bottom, samples);
        this.top = top;
        this.bottom = bottom;
    }

    /** Index of the first sample of a pixel; `y` counts from the top of the image. */
    int at(int y, int x) {
        return ((y - top) * width + x) * planes;
    }

    int alpha(int y, int x) {
        return samples[at(y, x) + colours] & 0xff;
    }
}
