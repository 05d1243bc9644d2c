package org.edgeir.restorer.bundle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What is known of a network ({@code edgeir/manifest/facts.py}), as far as restoring needs it. */
public final class Facts {
    /** Limit of counts of pixels: the products of two of them fit in an int's range by far. */
    private static final int MOST = 16384;

    public final String task;
    /** Result pixels per pixel of the image, per side. */
    public final int scale;
    /** The network expects the image enlarged by {@link #scale} already. */
    public final boolean enlarged;
    /** The network reads and gives luma alone. */
    public final boolean luma;

    public final int sizeMultiple;
    public final int tileMultiple;
    /** Pixels of the network's own input on each side that an output pixel depends on. */
    public final int receptiveRadius;
    /** Operations that read the whole image. */
    public final List<String> globalOperations;

    public Facts(
            String task,
            int scale,
            boolean enlarged,
            boolean luma,
            int sizeMultiple,
            int tileMultiple,
            int receptiveRadius,
            List<String> globalOperations) {
        this.task = task;
        this.scale = scale;
        this.enlarged = enlarged;
        this.luma = luma;
        this.sizeMultiple = sizeMultiple;
        this.tileMultiple = tileMultiple;
        this.receptiveRadius = receptiveRadius;
        this.globalOperations = Collections.unmodifiableList(new ArrayList<>(globalOperations));
    }

    static Facts read(Checked facts) throws BundleException {
        List<String> operations = new ArrayList<>();
        for (Object name : facts.list("global_operations")) {
            if (!(name instanceof String))
                throw Checked.damaged("`" + facts.place("global_operations") + "` has no text");
            operations.add((String) name);
        }
        return new Facts(
                facts.text("task"),
                (int) facts.whole("scale", 1, 64),
                facts.oneOf("input_kind", "lr", "bicubic").equals("bicubic"),
                facts.oneOf("colour", "rgb", "y").equals("y"),
                (int) facts.whole("size_multiple", 1, MOST),
                (int) facts.whole("tile_multiple", 1, MOST),
                (int) facts.whole("receptive_radius", 0, MOST),
                operations);
    }

    /** Windows start at multiples of this. */
    public int tileStep() {
        int a = sizeMultiple;
        int b = tileMultiple;
        while (b != 0) {
            int rest = a % b;
            a = b;
            b = rest;
        }
        return sizeMultiple / a * tileMultiple;
    }

    /** Output pixels per pixel of the network's own input. */
    public int netScale() {
        return enlarged ? 1 : scale;
    }

    /** Pixels of the network's own input per pixel of the image. */
    public int inputScale() {
        return enlarged ? scale : 1;
    }

    /** Planes of the network's input and output. */
    public int channels() {
        return luma ? 1 : 3;
    }

    /** {@link #globalOperations} as text. */
    public String reads() {
        return Checked.joined(globalOperations, ", ");
    }

    public boolean denoises() {
        return task.equals("denoising");
    }
}
