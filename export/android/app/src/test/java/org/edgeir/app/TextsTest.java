package org.edgeir.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.Test;

/** The sources themselves: every text is a resource, no resource is left over, the network is not asked for. */
public class TextsTest {
    private static final Path MAIN = Paths.get("src/main");

    private static List<Path> files(String folder, String suffix) throws IOException {
        try (Stream<Path> all = Files.walk(MAIN.resolve(folder))) {
            return all.filter(path -> path.toString().endsWith(suffix)).collect(Collectors.toList());
        }
    }

    private static String text(Path path) throws IOException {
        return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
    }

    @Test
    public void layoutsHaveNoTextOfTheirOwn() throws IOException {
        Pattern attribute = Pattern.compile("android:(text|contentDescription|hint|title|label)=\"([^\"]*)\"");
        int found = 0;
        for (Path path : files("res", ".xml")) {
            for (Matcher matcher = attribute.matcher(text(path)); matcher.find(); found++)
                assertTrue(path + ": " + matcher.group(), matcher.group(2).startsWith("@string/"));
        }
        assertTrue(found > 10);
    }

    @Test
    public void everyTextIsUsed() throws IOException {
        StringBuilder used = new StringBuilder(text(MAIN.resolve("AndroidManifest.xml")));
        for (Path path : files("java", ".java")) used.append(text(path));
        for (Path path : files("res", ".xml")) used.append(text(path));
        Pattern name = Pattern.compile("<(string|plurals|string-array) name=\"(\\w+)\"");
        Matcher matcher = name.matcher(text(MAIN.resolve("res/values/strings.xml")));
        int found = 0;
        for (; matcher.find(); found++) {
            Pattern use = Pattern.compile("(R\\.(string|plurals|array)\\.|@string/)" + matcher.group(2) + "\\b");
            assertTrue(matcher.group(2) + " is not used", use.matcher(used).find());
        }
        assertTrue(found > 80);
    }

    @Test
    public void theManifestAsksForNoNetworkAndExportsOneScreen() throws IOException {
        String manifest = text(MAIN.resolve("AndroidManifest.xml"));
        assertFalse(manifest.contains("android.permission.INTERNET"));
        assertFalse(manifest.contains("NETWORK"));
        assertEquals(2, manifest.split("android:exported=\"true\"", -1).length);
        assertTrue(new File("src/main/res/mipmap-xxhdpi/ic_launcher.png").isFile());
    }
}
