package org.edgeir.restorer.bundle;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.junit.Test;

/** The reader of JSON. */
public class JsonTest {
    private static Object parse(String text) {
        return Json.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    public void valuesAreRead() {
        assertEquals(
                Arrays.asList(1L, -2.5, 1e30, true, false, null, "a\"\\/\b\f\n\r\té\u20ac"),
                parse(" [1, -2.5, 1e+30, true, false, null, \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\u20ac\"] "));
        assertEquals(Collections.singletonMap("a", Collections.emptyMap()), parse("{\"a\":{}}"));
        assertEquals(Collections.emptyList(), parse("[\n]"));
        assertEquals(1e20, parse("100000000000000000000"));
        assertEquals(0L, parse("-0"));
    }

    @Test
    public void whatIsNoJsonIsRefused() {
        String[] texts = {
            "",
            " ",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "-",
            "NaN",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\n\"",
            "1 2",
            "[1]]",
            "{\"a\":1,\"a\":2}",
            "'a'",
            "// c\n1"
        };
        for (String text : texts) assertThrows(text, IllegalArgumentException.class, () -> parse(text));
        assertThrows(IllegalArgumentException.class, () -> Json.parse(new byte[] {'"', (byte) 0xff, '"'}));
    }

    @Test
    public void deepNestingIsRefusedAndDoesNotOverflow() {
        char[] deep = new char[2_000_000];
        Arrays.fill(deep, '[');
        assertThrows(IllegalArgumentException.class, () -> parse(new String(deep)));
    }

    /** Damaged text is read or refused, never anything else. */
    @Test
    public void damagedTextIsRefusedOrRead() {
        byte[] text = "{\"a\": [1, 2.5e3, \"x\\u00e9\\n\", null, true], \"b\": {\"c\": -0.1, \"d\": []}}"
                .getBytes(StandardCharsets.UTF_8);
        Random random = new Random(7);
        int refused = 0;
        for (int number = 0; number < 50_000; number++) {
            byte[] damaged = Arrays.copyOf(text, random.nextInt(4) == 0 ? random.nextInt(text.length) : text.length);
            for (int change = random.nextInt(4); change >= 0 && damaged.length > 0; change--) {
                int at = random.nextInt(damaged.length);
                damaged[at] = random.nextBoolean() ? (byte) random.nextInt(256) : text[random.nextInt(text.length)];
            }
            try {
                Json.parse(damaged);
            } catch (IllegalArgumentException error) {
                refused++;
            }
        }
        assertEquals(true, refused > 20_000);
    }
}
