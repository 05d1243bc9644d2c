package org.edgeir.app.compare;

import android.graphics.Bitmap;
import android.graphics.RectF;

/** A bitmap and where it lies in the result, in the result's pixels. */
final class Layer {
    final Bitmap bitmap;
    final RectF place;

    Layer(Bitmap bitmap, RectF place) {
        this.bitmap = bitmap;
        this.place = place;
    }
}
