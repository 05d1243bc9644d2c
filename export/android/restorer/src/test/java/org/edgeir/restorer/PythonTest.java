package org.edgeir.restorer;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.bundle.JsonFile;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Test;

/** Images that {@code edgeir.restoring} restored with the same made-up network, in every combination of planes. */
public class PythonTest {
    @Test
    public void samplesAreThoseOfPython() throws Exception {
        List<Map<String, Object>> cases = JsonFile.objects(JsonFile.read(TestData.made("restored/cases.json")));
        int checked = 0;
        for (Map<String, Object> one : cases) {
            if (one.get("facts") == null) continue; // of a real file
            Facts facts = JsonFile.facts((Map<?, ?>) one.get("facts"));
            List<?> size = (List<?>) one.get("fixed");
            int[] fixed =
                    size == null ? null : new int[] {((Long) size.get(0)).intValue(), ((Long) size.get(1)).intValue()};
            ArrayImage image = TestData.image(TestData.made("restored/" + one.get("input")));
            ArrayImage expected = TestData.image(TestData.made("restored/" + one.get("output")));
            ArrayImage sink = new ArrayImage();
            new Restorer(
                            facts,
                            fixed,
                            TestData.floats(facts),
                            TestData.floats(facts),
                            Collections.singletonList(new MadeUpEngine(facts, false)),
                            Options.standard())
                    .restore(image, sink, Watcher.NONE);
            int off = differing(expected.samples(), sink.samples(), one.toString());
            // A sum of three products may be rounded in another order: luma alone.
            boolean sums =
                    facts.luma && image.colours() == 3 && !facts.denoises() || !facts.luma && image.colours() == 1;
            assertTrue(off + " samples of " + one, off <= (sums ? expected.samples().length / 1000 : 0));
            checked++;
        }
        assertEquals(32, checked);
    }

    /** How many samples differ; none by more than one level. */
    static int differing(byte[] expected, byte[] made, String what) {
        assertEquals(what, expected.length, made.length);
        int off = 0;
        for (int index = 0; index < made.length; index++) {
            int difference = Math.abs((expected[index] & 0xff) - (made[index] & 0xff));
            assertTrue(what + " sample " + index + " by " + difference, difference <= 1);
            off += difference;
        }
        return off;
    }
}
