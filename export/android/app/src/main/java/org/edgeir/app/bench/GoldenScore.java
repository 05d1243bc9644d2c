package org.edgeir.app.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.edgeir.restorer.Engine;
import org.edgeir.restorer.bundle.Bundle;
import org.edgeir.restorer.bundle.ModelFile;
import org.edgeir.restorer.bundle.Npy;
import org.edgeir.restorer.bundle.TensorSpec;
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
        if (file.golden == null) return null;
        Npy input = bundle.array(file.golden.input);
        Npy expected = bundle.array(file.golden.expected);
        ByteBuffer given = ByteBuffer.allocateDirect(input.size() * file.input.type.bytes)
                .order(ByteOrder.nativeOrder());
        for (int index = 0; index < input.size(); index++) {
            if (input.type == TensorSpec.Type.FLOAT32) given.putFloat(input.value(index));
            else given.put(input.data.get(index));
        }
        given.flip();
        ByteBuffer made = ByteBuffer.allocateDirect(expected.size() * file.output.type.bytes)
                .order(ByteOrder.nativeOrder());
        engine.run(given, made, input.shape[1], input.shape[2]);
        double squares = 0;
        double most = 0;
        for (int index = 0; index < expected.size(); index++) {
            double error = Math.abs(real(made, index, file.output) - expected.value(index));
            squares += error * error;
            most = Math.max(most, error);
        }
        double mean = squares / expected.size();
        return new GoldenScore(mean == 0 ? EQUAL_DB : Math.min(EQUAL_DB, -10 * Math.log10(mean)), most, verdict.passed);
    }

    private static double real(ByteBuffer buffer, int index, TensorSpec spec) {
        if (spec.type == TensorSpec.Type.FLOAT32) return buffer.getFloat(4 * index);
        int value = spec.type == TensorSpec.Type.INT8 ? buffer.get(index) : buffer.get(index) & 0xff;
        return (value - (double) spec.zeroPoint) * spec.scale;
    }
}
