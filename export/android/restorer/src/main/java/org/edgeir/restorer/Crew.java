package org.edgeir.restorer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A thread for each engine; the tiles of a row are done by whichever is free. */
final class Crew {
    /** One tile. */
    interface Task {
        void run(int engine, int tile) throws IOException;
    }

    private final ExecutorService threads;
    private final int size;

    Crew(int size) {
        this.size = size;
        threads = Executors.newFixedThreadPool(size, work -> {
            Thread thread = new Thread(work, "edgeir-restorer");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Begins with tiles 0 … count - 1. */
    Row begin(int count, Task task) {
        AtomicInteger next = new AtomicInteger();
        AtomicBoolean stopped = new AtomicBoolean();
        List<Future<?>> parts = new ArrayList<>();
        for (int index = 0; index < size; index++) {
            int engine = index;
            parts.add(threads.submit(() -> {
                try {
                    for (int tile; !stopped.get() && (tile = next.getAndIncrement()) < count; ) task.run(engine, tile);
                } catch (Throwable error) {
                    stopped.set(true);
                    throw error;
                }
                return null;
            }));
        }
        return new Row(parts, stopped);
    }

    void close() {
        threads.shutdown();
    }

    /** Tiles that are being done. */
    static final class Row {
        private final List<Future<?>> parts;
        private final AtomicBoolean stopped;

        private Row(List<Future<?>> parts, AtomicBoolean stopped) {
            this.parts = parts;
            this.stopped = stopped;
        }

        /** Begins no further tile, and waits until none is being done; what went wrong is forgotten. */
        void stop() {
            stopped.set(true);
            try {
                await();
            } catch (IOException | RuntimeException | Error error) {
                // another error is on its way
            }
        }

        /** Waits for all of them, also where one fails; throws what went wrong first, an error before an exception. */
        void await() throws IOException {
            Throwable failure = null;
            boolean interrupted = false;
            for (Future<?> part : parts) {
                while (true) {
                    try {
                        part.get();
                    } catch (InterruptedException error) {
                        interrupted = true; // the arrays are in use until the tiles are done
                        stopped.set(true);
                        continue;
                    } catch (ExecutionException error) {
                        if (failure == null || error.getCause() instanceof Error) failure = error.getCause();
                    }
                    break;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
                throw new CancelledException();
            }
            if (failure instanceof IOException) throw (IOException) failure;
            if (failure instanceof RuntimeException) throw (RuntimeException) failure;
            if (failure instanceof Error) throw (Error) failure;
        }
    }
}
