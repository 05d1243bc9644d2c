package org.edgeir.restorer;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.edgeir.restorer.bundle.Facts;
import org.edgeir.restorer.pixels.ArrayImage;
import org.edgeir.restorer.pixels.ImageSink;
import org.junit.Test;

/** Tiles against the whole image, memory, cancelling, and engines that fail. */
public class RestorerTest {
    private static final Facts FACTS = TestData.facts(2, 3, 1);
    private static final int[] TILE = {24, 20};

    private static Restorer restorer(Facts facts, int[] size, List<? extends Engine> engines, Options options) {
        return new Restorer(facts, size, TestData.floats(facts), TestData.floats(facts), engines, options);
    }

    private static byte[] restored(Facts facts, int[] size, ArrayImage image, Options options, Engine... engines)
            throws IOException {
        ArrayImage sink = new ArrayImage();
        restorer(facts, size, Arrays.asList(engines), options).restore(image, sink, Watcher.NONE);
        return sink.samples();
    }

    @Test
    public void tilesOfAnySizeGiveWhatOneRunGives() throws Exception {
        Random random = new Random(1);
        for (int number = 0; number < 60; number++) {
            Facts facts = TestData.facts(1 + random.nextInt(4), random.nextInt(5), 1 + random.nextInt(2));
            int colours = random.nextBoolean() ? 3 : 1;
            ArrayImage image = TestData.image(
                    1 + random.nextInt(90), 1 + random.nextInt(90), colours, random.nextBoolean(), number);
            byte[] whole =
                    restored(facts, null, image, Options.standard().withTile(1000), new MadeUpEngine(facts, true));
            int[] size = {2 * (6 + random.nextInt(20)), 2 * (6 + random.nextInt(20))};
            MadeUpEngine[] several = {
                new MadeUpEngine(facts, true), new MadeUpEngine(facts, true), new MadeUpEngine(facts, true)
            };
            assertArrayEquals(whole, restored(facts, size, image, Options.standard(), new MadeUpEngine(facts, true)));
            assertArrayEquals(whole, restored(facts, size, image, Options.standard(), several));
            Options small = Options.standard().withTile(16 + random.nextInt(30));
            assertArrayEquals(whole, restored(facts, null, image, small, new MadeUpEngine(facts, true)));
        }
    }

    /** Of a file for 40×40: larger tiles where they save time for these engines; smaller ones wherever asked for. */
    @Test
    public void otherTilesThanTheFilesAreUsedWhereTheySaveTime() throws Exception {
        Facts facts = TestData.facts(1, 8, 1);
        Object[][] cases = {
            // width, height, asked for, engines, the tiles that are used
            {300, 300, 100, 1, "91×91"}, // 16 of them in place of 169
            {24, 24, 100, 1, "40×40"}, // one tile either way
            {50, 24, 100, 1, "40×40"}, // 2 tiles, or one of 66×40 and its check
            {300, 24, 100, 1, "40×40"}, // 13 tiles, or two long ones and their check
            {1000, 24, 100, 1, "216×40"}, // 5 in place of 42
            {1000, 24, 100, 16, "40×40"}, // 3 of the 42 are as long as it takes
            {300, 300, 30, 1, "30×30"}, // smaller ones need no reason
            {300, 300, 0, 1, "40×40"},
        };
        for (Object[] one : cases) {
            ArrayImage image = TestData.image((int) one[0], (int) one[1], 3, false, 8);
            byte[] whole = restored(
                    facts, null, image, Options.standard().withTile(1000), new MadeUpEngine(facts, true));
            List<Engine> engines = new ArrayList<>();
            for (int index = 0; index < (int) one[3]; index++) engines.add(new MadeUpEngine(facts, true));
            ArrayImage sink = new ArrayImage();
            Result result = restorer(facts, new int[] {40, 40}, engines, Options.standard().withTile((int) one[2]))
                    .restore(image, sink, Watcher.NONE);
            String what = Arrays.toString(one);
            assertEquals(what, one[4], result.tileWidth + "×" + result.tileHeight);
            assertArrayEquals(what, whole, sink.samples());
        }
    }

    @Test
    public void extremeSizesAreRestored() throws Exception {
        for (int[] size : new int[][] {{1, 1}, {30000, 20}, {20, 30000}, {1, 4000}}) {
            ArrayImage image = TestData.image(size[0], size[1], 3, false, 5);
            byte[] result = restored(
                    TestData.facts(1, 3, 1),
                    new int[] {48, 48},
                    image,
                    Options.standard(),
                    new MadeUpEngine(TestData.facts(1, 3, 1), false));
            assertEquals(3 * size[0] * size[1], result.length);
        }
        assertThrows(
                RestoreException.class,
                () -> restored(
                        FACTS,
                        TILE,
                        TestData.image(0, 0, 3, false, 1),
                        Options.standard(),
                        new MadeUpEngine(FACTS, false)));
    }

    @Test
    public void cancellingWorksAtEveryTileAndTheSinkIsTold() throws Exception {
        ArrayImage image = TestData.image(70, 50, 3, false, 2);
        MadeUpEngine engine = new MadeUpEngine(FACTS, false);
        int tiles = restorer(FACTS, TILE, Collections.singletonList(engine), Options.standard())
                .restore(image, new ArrayImage(), Watcher.NONE)
                .tiles;
        assertTrue(tiles > 10);
        for (int engines = 1; engines <= 2; engines++) {
            for (int stop = 0; stop <= tiles; stop++) { // the last: all are done, and their rows are being written
                int last = stop;
                AtomicInteger done = new AtomicInteger();
                Watcher watcher = new Watcher() {
                    @Override
                    public void progress(int finished, int total) {
                        done.set(finished);
                    }

                    @Override
                    public boolean cancelled() {
                        return done.get() >= last;
                    }
                };
                Engine[] crew = new Engine[engines];
                for (int index = 0; index < engines; index++) crew[index] = new MadeUpEngine(FACTS, false);
                RecordingSink sink = new RecordingSink();
                Restorer restorer = restorer(FACTS, TILE, Arrays.asList(crew), Options.standard());
                assertThrows(CancelledException.class, () -> restorer.restore(image, sink, watcher));
                assertEquals(1, sink.aborted);
                assertEquals(0, sink.finished);
                assertTrue(done.get() + " " + stop, done.get() <= stop + engines);
                assertTrue(restorer.restore(image, new RecordingSink(), Watcher.NONE).tiles
                        == tiles); // it can be used again
            }
        }
    }

    @Test
    public void tilesAreHalvedUntilTheBudgetHolds() throws Exception {
        ArrayImage image = TestData.image(300, 200, 3, true, 4);
        int[] size = {128, 128};
        byte[] whole = restored(FACTS, size, image, Options.standard(), new MadeUpEngine(FACTS, true));
        long before = Long.MAX_VALUE;
        for (long budget = 4 << 20; ; budget = budget * 3 / 4) {
            ArrayImage sink = new ArrayImage();
            Restorer restorer = restorer(
                    FACTS,
                    size,
                    Collections.singletonList(new MadeUpEngine(FACTS, true)),
                    Options.standard().withMemoryBudget(budget));
            Result result;
            try {
                result = restorer.restore(image, sink, Watcher.NONE);
            } catch (RestoreException error) {
                assertTrue(
                        error.getMessage(),
                        error.getMessage()
                                .matches(
                                        "The image needs \\d+ MiB even in the smallest tiles, "
                                                + "and \\d+ are allowed: .*"));
                break;
            }
            assertTrue(result.memory <= budget);
            assertTrue(result.memory <= before);
            before = result.memory;
            assertArrayEquals(whole, sink.samples());
        }
        assertTrue(before < 1 << 20);
    }

    @Test
    public void afterAnOutOfMemoryErrorTheMissingRowsAreDoneInSmallerTiles() throws Exception {
        ArrayImage image = TestData.image(150, 170, 3, false, 6);
        byte[] whole = restored(FACTS, TILE, image, Options.standard(), new MadeUpEngine(FACTS, true));
        int[] first = {40, 40};
        MadeUpEngine counting = new MadeUpEngine(FACTS, true);
        restored(FACTS, first, image, Options.standard(), counting);
        for (int failing = 1; failing <= counting.runs.get(); failing++) {
            for (int engines = 1; engines <= 2; engines++) {
                int at = failing;
                AtomicInteger large = new AtomicInteger(); // of all engines together
                List<Engine> crew = new ArrayList<>();
                for (int index = 0; index < engines; index++) {
                    crew.add(new MadeUpEngine(FACTS, true) {
                        @Override
                        protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
                            if (height > 20 && large.incrementAndGet() >= at) throw new OutOfMemoryError("a test");
                            super.compute(input, output, height, width);
                        }
                    });
                }
                List<String> notes = new ArrayList<>();
                ArrayImage sink = new ArrayImage();
                Result result = restorer(FACTS, first, crew, Options.standard()).restore(image, sink, noted(notes));
                assertArrayEquals(whole, sink.samples());
                assertEquals(20, result.tileHeight);
                assertEquals(Collections.singletonList("The memory did not suffice: tiles of 20×20 now."), notes);
            }
        }
    }

    @Test
    public void whereTheSmallestTileIsTooLargeItIsAnError() {
        Engine engine = new MadeUpEngine(FACTS, false) {
            @Override
            protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
                throw new OutOfMemoryError("a test");
            }
        };
        Exception error = assertThrows(
                RestoreException.class,
                () -> restored(FACTS, TILE, TestData.image(60, 60, 3, false, 1), Options.standard(), engine));
        assertTrue(
                error.getMessage(), error.getMessage().startsWith("The memory does not suffice for the smallest tile"));
    }

    @Test
    public void anEngineThatTakesNoOtherSizeIsNotGivenOne() {
        Engine engine = new MadeUpEngine(FACTS, false) {
            @Override
            public boolean takes(int height, int width) {
                return false;
            }

            @Override
            protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
                assertEquals(40, height);
                throw new OutOfMemoryError("a test");
            }
        };
        assertThrows(
                RestoreException.class,
                () -> restored(
                        FACTS, new int[] {40, 40}, TestData.image(60, 60, 3, false, 1), Options.standard(), engine));
    }

    @Test
    public void anotherEngineGoesOnWhereOneFails() throws Exception {
        ArrayImage image = TestData.image(100, 90, 3, false, 7);
        byte[] whole = restored(FACTS, TILE, image, Options.standard(), new MadeUpEngine(FACTS, true));
        for (int failing = 1; failing < 20; failing += 3) {
            Engine broken = failing(failing);
            List<String> notes = new ArrayList<>();
            ArrayImage sink = new ArrayImage();
            Options options = Options.standard()
                    .withReplacement(failure -> Collections.singletonList(new MadeUpEngine(FACTS, true)));
            restorer(FACTS, TILE, Collections.singletonList(broken), options).restore(image, sink, noted(notes));
            assertArrayEquals(whole, sink.samples());
            assertEquals(Collections.singletonList("made up failed (broken): made up now."), notes);
        }
        EngineException[] seen = new EngineException[1];
        Options none = Options.standard().withReplacement(failure -> {
            seen[0] = failure;
            return null;
        });
        assertSame(assertThrows(EngineException.class, () -> restored(FACTS, TILE, image, none, failing(3))), seen[0]);
        assertThrows(EngineException.class, () -> restored(FACTS, TILE, image, Options.standard(), failing(3)));
    }

    private static Engine failing(int run) {
        return new MadeUpEngine(FACTS, true) {
            @Override
            public void run(ByteBuffer input, ByteBuffer output, int height, int width) throws EngineException {
                if (runs.get() + 1 >= run) throw new EngineException("broken");
                super.run(input, output, height, width);
            }
        };
    }

    @Test
    public void valuesThatAreNotFiniteAreAnError() {
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Engine engine = new MadeUpEngine(FACTS, false) {
                @Override
                protected void compute(ByteBuffer input, ByteBuffer output, int height, int width) {
                    super.compute(input, output, height, width);
                    output.putFloat(4 * 3 * (height * width * 2 + width), value); // in the middle of the window
                }
            };
            Exception error = assertThrows(
                    RestoreException.class,
                    () -> restored(FACTS, TILE, TestData.image(60, 60, 3, false, 1), Options.standard(), engine));
            assertTrue(error.getMessage().contains("not finite"));
        }
    }

    @Test
    public void aSinkThatCannotBeWrittenStopsAllAndIsAborted() {
        RecordingSink full = new RecordingSink() {
            @Override
            public void rows(byte[] samples, int count) throws IOException {
                throw new IOException("disk full");
            }
        };
        RecordingSink large = new RecordingSink() {
            @Override
            public void rows(byte[] samples, int count) {
                throw new OutOfMemoryError("a test");
            }
        };
        RecordingSink late = new RecordingSink() {
            @Override
            public void finish() {
                throw new OutOfMemoryError("a test");
            }
        };
        Restorer restorer =
                restorer(FACTS, TILE, Collections.singletonList(new MadeUpEngine(FACTS, false)), Options.standard());
        ArrayImage image = TestData.image(100, 90, 3, false, 7);
        assertEquals(
                "disk full",
                assertThrows(IOException.class, () -> restorer.restore(image, full, Watcher.NONE))
                        .getMessage());
        assertThrows(
                RestoreException.class, () -> restorer.restore(image, large, Watcher.NONE)); // and is not tried again
        assertThrows(OutOfMemoryError.class, () -> restorer.restore(image, late, Watcher.NONE));
        assertEquals(1, late.aborted);
        assertEquals(1, full.aborted);
        assertEquals(1, large.aborted);
    }

    @Test
    public void aNetworkThatReadsTheWholeImageIsRunInOnePieceOrRefused() throws Exception {
        Facts facts = new Facts("", 2, false, false, 1, 1, 3, Collections.singletonList("image mean"));
        ArrayImage image = TestData.image(40, 30, 3, false, 8);
        MadeUpEngine engine = new MadeUpEngine(facts, false);
        assertEquals(40 * 30 * 4 * 3, restored(facts, null, image, Options.standard(), engine).length);
        assertEquals(1, engine.runs.get());
        Exception tiles = assertThrows(
                RestoreException.class, () -> restored(facts, new int[] {24, 24}, image, Options.standard(), engine));
        assertTrue(tiles.getMessage().contains("reads the whole image (image mean)"));
        assertThrows(
                RestoreException.class,
                () -> restored(facts, null, TestData.image(2100, 2000, 1, false, 1), Options.standard(), engine));
    }

    private static Watcher noted(List<String> notes) {
        return new Watcher() {
            @Override
            public void note(String what) {
                notes.add(what);
            }
        };
    }

    private static class RecordingSink implements ImageSink {
        int finished;
        int aborted;

        @Override
        public void begin(int width, int height, int colours, boolean hasAlpha) {}

        @Override
        public void rows(byte[] samples, int count) throws IOException {}

        @Override
        public void finish() {
            finished++;
        }

        @Override
        public void abort() {
            aborted++;
        }
    }
}
