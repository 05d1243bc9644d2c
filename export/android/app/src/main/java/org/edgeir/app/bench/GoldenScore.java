package org.edgeir.app.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.check.GoldenArrays;
import org.edgeir.restorer.check.Verdict;

/** The output of the golden input on this phone against the network's, as {@code edgeir prove} measures it. */
final class GoldenScore {
    /** Of equal outputs. */
    private static final double EQUAL_DB = 100;

    final double psnrDb;
    /** On the [0, 1] scale. */
    final double maxAbsError;
    final boolean right;

    private GoldenScore(double psnrDb, double maxAbsError, boolean right) {
        this.psnrDb = psnrDb;
        this.maxAbsError = maxAbsError;
        this.right = right;
    }

    /** Null where the file has no golden image. */
    static GoldenScore of(Bundle bundle, ModelFile file, Engine engine, Verdict verdict) throws IOException {
        GoldenArrays golden = GoldenArrays.of(bundle, file);
        if (golden == null) return null;
        ByteBuffer made = golden.made();
        engine.run(golden.input(), made, golden.height, golden.width);
        double squares = 0;
        double most = 0;
        for (int index = 0; index < golden.size(); index++) {
            double error = Math.abs(golden.real(made, golden.place(index)) - golden.expected(index));
            squares += error * error;
            most = Math.max(most, error);
        }
        double mean = squares / golden.size();
        return new GoldenScore(mean == 0 ? EQUAL_DB : Math.min(EQUAL_DB, -10 * Math.log10(mean)), most, verdict.passed);
    }
}
