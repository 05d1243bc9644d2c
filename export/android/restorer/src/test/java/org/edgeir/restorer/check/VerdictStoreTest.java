package org.edgeir.restorer.check;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Random;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What is kept of a phone's accelerators. */
public class VerdictStoreTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    private static final Verdict RIGHT =
            new Verdict("GPU", true, "right: é\n= \\ #", Double.POSITIVE_INFINITY, 0, 12.5, "all");

    @Test
    public void aVerdictIsKeptForOnePhoneLibraryAcceleratorAndModel() throws Exception {
        File file = new File(folder.getRoot(), "verdicts");
        new VerdictStore(file, "phone: 14").put("2.16.1", "GPU", "aa", RIGHT);
        Verdict kept = new VerdictStore(file, "phone: 14").known("2.16.1", "GPU", "aa");
        assertEquals(RIGHT.sentence(), kept.sentence());
        assertTrue(kept.passed);
        assertNull(new VerdictStore(file, "phone: 15").known("2.16.1", "GPU", "aa"));
        assertNull(new VerdictStore(file, "phone: 14").known("2.17.0", "GPU", "aa"));
        assertNull(new VerdictStore(file, "phone: 14").known("2.16.1", "NNAPI", "aa"));
        assertNull(new VerdictStore(file, "phone: 14").known("2.16.1", "GPU", "bb"));
        Verdict failed = Verdict.failed("GPU", "wrong", "none");
        new VerdictStore(file, "phone: 14").put("2.16.1", "GPU", "aa", failed);
        assertEquals(
                failed.sentence(),
                new VerdictStore(file, "phone: 14").known("2.16.1", "GPU", "aa").sentence());
        new VerdictStore(file, "phone: 14").clear();
        assertNull(new VerdictStore(file, "phone: 14").known("2.16.1", "GPU", "aa"));
    }

    @Test
    public void anAcceleratorThatEndedTheAppTwiceIsNotTriedAgain() throws Exception {
        File file = new File(folder.getRoot(), "verdicts");
        new VerdictStore(file, "p").begin("1", "GPU", "aa");
        assertNull(new VerdictStore(file, "p").known("1", "GPU", "aa"));
        new VerdictStore(file, "p").begin("1", "GPU", "aa");
        Verdict found = new VerdictStore(file, "p").known("1", "GPU", "aa");
        assertFalse(found.passed);
        assertTrue(found.sentence(), found.sentence().contains("ended the app on the golden image"));
        new VerdictStore(file, "p").put("1", "GPU", "aa", RIGHT);
        assertTrue(new VerdictStore(file, "p").known("1", "GPU", "aa").passed);
    }

    @Test
    public void aDamagedFileIsForgotten() throws Exception {
        File file = new File(folder.getRoot(), "verdicts");
        new VerdictStore(file, "p").put("1", "GPU", "aa", RIGHT);
        byte[] whole = Files.readAllBytes(file.toPath());
        Random random = new Random(1);
        for (int number = 0; number < 500; number++) {
            byte[] damaged = whole.clone();
            for (int change = 0; change < 10; change++) damaged[random.nextInt(whole.length)] = (byte) random.nextInt();
            Files.write(file.toPath(), damaged);
            new VerdictStore(file, "p").known("1", "GPU", "aa");
        }
        Files.write(file.toPath(), "a=\\uZZZZ".getBytes("US-ASCII"));
        assertNull(new VerdictStore(file, "p").known("1", "GPU", "aa"));
    }

    @Test
    public void aFolderThatCannotBeWrittenIsSaid() {
        VerdictStore store = new VerdictStore(new File(folder.getRoot(), "none/verdicts"), "p");
        assertThrows(IOException.class, () -> store.begin("1", "GPU", "aa"));
    }
}
