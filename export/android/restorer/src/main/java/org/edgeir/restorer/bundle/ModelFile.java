package org.edgeir.restorer.bundle;

import java.util.List;

/** One model file of a bundle. */
public final class ModelFile {
    public final String path;
    /** The format: {@code tflite}, {@code onnx}, … */
    public final String target;

    public final String precision;
    public final long bytes;
    public final String sha256;
    /** Null where {@link #problem} says why this library cannot use it. */
    public final TensorSpec input;

    public final TensorSpec output;
    /** Null where none was written. */
    public final Golden golden;
    /** Why this library cannot use the file, else null. */
    public final String problem;
    /** The only height and width that the file takes; null: any. */
    public final int[] size;

    private ModelFile(Checked file, TensorSpec input, TensorSpec output, String problem, int[] size)
            throws BundleException {
        this.path = file.inside("path");
        this.target = file.text("target");
        this.precision = file.text("precision");
        this.bytes = file.whole("bytes", 0, Manifest.MOST_BYTES);
        this.sha256 = file.text("sha256");
        Checked golden = file.objectOrNull("golden");
        this.golden = golden == null ? null : Golden.read(golden);
        this.input = input;
        this.output = output;
        this.problem = problem;
        this.size = size;
    }

    static ModelFile read(Checked file, Facts facts) throws BundleException {
        StringBuilder problem = new StringBuilder();
        TensorSpec input = TensorSpec.read(first(file, "inputs"), problem);
        TensorSpec output = problem.length() > 0 ? null : TensorSpec.read(first(file, "outputs"), problem);
        if (problem.length() > 0) return new ModelFile(file, null, null, problem.toString(), null);
        Integer height = input.shape.get(1);
        Integer width = input.shape.get(2);
        int[] size = height == null || width == null ? null : new int[] {height, width};
        List<?> sizes = file.list("sizes");
        if (!sizes.isEmpty()) {
            List<?> pair = sizes.get(0) instanceof List ? (List<?>) sizes.get(0) : sizes;
            if (pair.size() != 2) throw Checked.damaged("`" + file.place("sizes") + "` has no height and width");
            Integer[] sides = {
                Checked.side(pair.get(0), file.place("sizes")), Checked.side(pair.get(1), file.place("sizes"))
            };
            if (sides[0] == null || sides[1] == null)
                throw Checked.damaged("`" + file.place("sizes") + "` has a free side");
            size = new int[] {sides[0], sides[1]};
        }
        checkAgrees(file, facts, input, output);
        return new ModelFile(file, input, output, null, size);
    }

    private static Checked first(Checked file, String name) throws BundleException {
        List<?> tensors = file.list(name);
        if (tensors.isEmpty()) throw Checked.damaged("`" + file.place(name) + "` is empty");
        return Checked.of(tensors.get(0), file.place(name) + "[0]");
    }

    /** Channels and sides are those of the facts. */
    private static void checkAgrees(Checked file, Facts facts, TensorSpec input, TensorSpec output)
            throws BundleException {
        for (int side = 0; side < 4; side++) {
            Integer in = input.shape.get(side);
            Integer out = output.shape.get(side);
            int scale = side == 1 || side == 2 ? facts.netScale() : 1;
            Integer expected = side == 0 ? Integer.valueOf(1) : side == 3 ? Integer.valueOf(facts.channels()) : in;
            boolean right =
                    in == null ? side != 3 && out == null : in.equals(expected) && out != null && out == in * scale;
            if (!right && !(in == null && side == 0)) {
                throw Checked.damaged("`" + file.place("inputs") + "` and `" + file.place("outputs")
                        + "` do not agree with the facts: " + input.shape + " and " + output.shape);
            }
        }
    }
}
