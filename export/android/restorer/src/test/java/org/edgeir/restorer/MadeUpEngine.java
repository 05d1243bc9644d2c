package org.edgeir.restorer;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.edgeir.restorer.bundle.Facts;

/** The network of tools/android_data.py; it can also fail, and may read what lies at the receptive radius. */
public class MadeUpEngine implements Engine {
    public final AtomicInteger runs = new AtomicInteger();
    private final Facts facts;
    private final boolean far;
    private volatile boolean busy;

    /** @param far the output depends on pixels at the receptive radius, with zeros beyond the window */
    public MadeUpEngine(Facts facts, boolean far) {
        this.facts = facts;
        this.far = far;
    }

    @Override
    public String title() {
        return "made up";
    }

    @Override
    public boolean takes(int height, int width) {
        return true;
    }

    @Override
    public void run(ByteBuffer input, ByteBuffer output, int height, int width) throws EngineException {
        if (busy) throw new IllegalStateException("two threads at once");
        busy = true;
        try {
            runs.incrementAndGet();
            if (input.remaining() != 4 * height * width * facts.channels())
                throw new EngineException("input of another size");
            compute(input, output, height, width);
        } finally {
            busy = false;
        }
    }

    protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
        int channels = facts.channels();
        int scale = facts.netScale();
        int r = facts.receptiveRadius;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < channels; c++) {
                    float value = input.getFloat(4 * ((y * width + x) * channels + c));
                    float made = value * 1.25f - 0.125f;
                    if (far)
                        made = value / 2
                                + at(input, y - r, x, c, height, width) / 4
                                + at(input, y + r, x + r, c, height, width) / 4;
                    for (int i = 0; i < scale; i++) {
                        for (int j = 0; j < scale; j++) {
                            int to = ((y * scale + i) * width * scale + x * scale + j) * channels + c;
                            output.putFloat(4 * to, made);
                        }
                    }
                }
            }
        }
    }

    private float at(ByteBuffer input, int y, int x, int c, int height, int width) {
        if (y < 0 || x < 0 || y >= height || x >= width) return 0;
        return input.getFloat(4 * ((y * width + x) * facts.channels() + c));
    }

    @Override
    public void close() {}
}
