package org.edgeir.restorer.bundle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The input or the output of a model file. Integers are real = (q - zeroPoint) * scale. */
public final class TensorSpec {
    /** The types of a tensor's values. */
    public enum Type {
        FLOAT32(4),
        UINT8(1),
        INT8(1);

        /** Of one value. */
        public final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }
    }

    /** Batch, height, width, channels; null for a free side. */
    public final List<Integer> shape;

    public final Type type;
    public final float scale;
    public final int zeroPoint;

    public TensorSpec(List<Integer> shape, Type type, float scale, int zeroPoint) {
        this.shape = Collections.unmodifiableList(new ArrayList<>(shape));
        this.type = type;
        this.scale = scale;
        this.zeroPoint = zeroPoint;
    }

    /** Null where this library cannot fill or read such a tensor; `problem` has the reason then. */
    static TensorSpec read(Checked tensor, StringBuilder problem) throws BundleException {
        List<Integer> shape = new ArrayList<>();
        for (Object side : tensor.list("shape")) shape.add(Checked.side(side, tensor.place("shape")));
        if (shape.size() != 4)
            throw Checked.damaged("`" + tensor.place("shape") + "` has " + shape.size() + " sides, not 4");
        String layout = tensor.oneOf("layout", "NHWC", "NCHW");
        String dtype = tensor.oneOf("dtype", "float32", "float16", "uint8", "int8");
        if (!layout.equals("NHWC")) problem.append("its layout is ").append(layout);
        else if (dtype.equals("float16")) problem.append("its type is float16");
        if (problem.length() > 0) return null;
        if (dtype.equals("float32")) return new TensorSpec(shape, Type.FLOAT32, 1, 0);
        Double scale = tensor.numberOrNull("quant_scale");
        if (scale == null || !(scale > 0 && scale <= 1e6)) {
            throw Checked.damaged("`" + tensor.place("quant_scale") + "` is " + scale + ", not a number above 0");
        }
        Type type = dtype.equals("uint8") ? Type.UINT8 : Type.INT8;
        return new TensorSpec(shape, type, scale.floatValue(), (int) tensor.whole("zero_point", -128, 255));
    }
}
