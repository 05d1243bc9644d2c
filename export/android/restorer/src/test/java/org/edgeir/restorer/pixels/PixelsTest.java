package org.edgeir.restorer.pixels;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.edgeir.restorer.TestData;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.TensorSpec;
import org.edgeir.restorer.tiling.Window;
import org.junit.Test;

/** Samples into tensors and back, Android's colours, and colours under an alpha of zero. */
public class PixelsTest {
    private static final Facts FACTS = TestData.facts(1, 0, 1);

    private static TensorSpec bytes(TensorSpec.Type type, int zeroPoint) {
        return new TensorSpec(Arrays.asList(1, 16, 16, 3), type, 1 / 255f, zeroPoint);
    }

    @Test
    public void levelsGoThroughATensorOfBytesUnchanged() throws Exception {
        byte[] samples = new byte[16 * 16 * 3];
        for (int index = 0; index < samples.length; index++) samples[index] = (byte) index;
        ArrayImage image = new ArrayImage(16, 16, 3, false, samples);
        Window window = new Window(0, 16, 0, 16);
        Band band = new Band(image);
        band.read(image, 0, 16);
        TensorSpec[] specs = {bytes(TensorSpec.Type.UINT8, 0), bytes(TensorSpec.Type.INT8, -128), TestData.floats(FACTS)
        };
        for (TensorSpec spec : specs) {
            ByteBuffer tensor = Strip.output(WindowPixels.size(FACTS, spec, 16, 16));
            new WindowPixels(FACTS, spec, 3).fill(band, window, window, 0, tensor);
            assertEquals(tensor.capacity(), tensor.remaining());
            if (spec.type == TensorSpec.Type.INT8) assertEquals(-128, tensor.get(0));
            if (spec.type == TensorSpec.Type.FLOAT32) assertEquals(2 / 255f, tensor.getFloat(8), 0);
            Strip strip = new Strip(FACTS, spec, image, new byte[samples.length]);
            strip.begin(window);
            strip.put(band, new ByteBuffer[] {tensor}, window, window);
            assertArrayEquals(samples, strip.samples());
        }
    }

    @Test
    public void valuesAreClippedAndRoundedHalfUp() throws Exception {
        float[] values = {-3, -0f, 0.49f / 255, 0.5f / 255, 1.5f / 255, 254.4f / 255, 254.6f / 255, 1, 7};
        int[] levels = {0, 0, 0, 1, 2, 254, 255, 255, 255};
        ByteBuffer tensor = ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder());
        for (float value : values) tensor.putFloat(value);
        ArrayImage image = new ArrayImage(3, 1, 3, false, new byte[9]);
        Strip strip = new Strip(FACTS, TestData.floats(FACTS), image, new byte[9]);
        Window row = new Window(0, 1, 0, 1);
        strip.begin(row);
        strip.put(new Band(image), new ByteBuffer[] {tensor}, row, new Window(0, 3, 0, 3));
        for (int index = 0; index < levels.length; index++) assertEquals(levels[index], strip.samples()[index] & 0xff);
    }

    @Test
    public void androidsColoursAreTakenApart() {
        int[] colours = new int[5 * 40];
        for (int index = 0; index < colours.length; index++) colours[index] = 0x80102030 + index;
        ArgbSource source = new ArgbSource(
                5, 40, true, (argb, top, count) -> System.arraycopy(colours, top * 5, argb, 0, 5 * count));
        byte[] samples = new byte[4 * 5 * 36];
        source.read(3, 39, samples);
        assertArrayEquals(new byte[] {0x10, 0x20, 0x30 + 15, (byte) 0x80}, Arrays.copyOf(samples, 4));
        assertArrayEquals(
                new byte[] {0x10, 0x20, (byte) (0x30 + 194), (byte) 0x80},
                Arrays.copyOfRange(samples, 4 * 179, 4 * 180));
        assertEquals(3, new ArgbSource(5, 40, false, null).planes());
    }

    @Test
    public void hiddenColoursAreThoseOfTheNearestVisiblePixelOrTheMean() throws Exception {
        Random random = new Random(9);
        Facts facts = TestData.facts(2, 2, 1);
        int reach = Bleed.reach(facts);
        assertEquals(6, reach);
        for (int number = 0; number < 20; number++) {
            ArrayImage image = TestData.image(23, 31, 3, true, number);
            byte[] samples = image.samples();
            for (int at = 3; at < samples.length; at += 4)
                samples[at] = (byte) (random.nextInt(number < 10 ? 60 : 4) == 0 ? 200 : 0);
            Bleed bleed = Bleed.of(image, facts);
            Band band = new Band(image);
            band.read(image, 0, 31);
            bleed.apply(band, 0, 31);
            byte[] part = band.samples.clone();
            assertArrayEquals(simply(samples, 23, 31, reach), part);
            band.read(image, 10 - reach, 20 + reach); // a band with the rows around it gives the same
            bleed.apply(band, 10, 20);
            for (int index = 10 * 23 * 4; index < 20 * 23 * 4; index++)
                assertEquals(part[index], band.samples[index - (10 - reach) * 23 * 4]);
        }
    }

    private static byte[] simply(byte[] samples, int width, int height, int reach) {
        byte[] result = samples.clone();
        double[] sums = new double[4];
        for (int at = 0; at < samples.length; at += 4) {
            if (samples[at + 3] == 0) continue;
            sums[3]++;
            for (int c = 0; c < 3; c++) sums[c] += samples[at + c] & 0xff;
        }
        for (int at = 0; at < samples.length; at += 4) {
            if (samples[at + 3] != 0) continue;
            int best = -1;
            int least = reach * reach + 1;
            for (int x = 0; x < width; x++) { // of equally near ones the left one, then the upper one
                for (int y = 0; y < height; y++) {
                    int dx = x - at / 4 % width;
                    int dy = y - at / 4 / width;
                    if (samples[4 * (y * width + x) + 3] == 0 || dx * dx + dy * dy >= least) continue;
                    least = dx * dx + dy * dy;
                    best = 4 * (y * width + x);
                }
            }
            for (int c = 0; c < 3; c++)
                result[at + c] = best < 0 ? (byte) Math.rint(sums[c] / sums[3]) : samples[best + c];
        }
        return result;
    }

    @Test
    public void whereNothingOrEverythingIsVisibleNothingIsReplaced() throws Exception {
        ArrayImage image = TestData.image(9, 9, 3, true, 1);
        for (int at = 3; at < image.samples().length; at += 4) image.samples()[at] = 0;
        assertNull(Bleed.of(image, FACTS));
        for (int at = 3; at < image.samples().length; at += 4) image.samples()[at] = 1;
        assertNull(Bleed.of(image, FACTS));
        assertNull(Bleed.of(TestData.image(9, 9, 3, false, 1), FACTS));
        image.samples()[3] = 0;
        assertTrue(Bleed.of(image, FACTS) != null);
    }
}
