package org.edgeir.app.photo;

import android.graphics.Matrix;
import android.graphics.Rect;

/** How stored pixels are turned upright, by EXIF's orientation. */
final class Turn {
    /** Rows and columns change places. */
    final boolean swaps;
    /** The upright columns, or rows, run backwards (after the swap). */
    private final boolean columnsBack;

    private final boolean rowsBack;
    /** Of the upright photo. */
    final int width;

    final int height;

    /** @param orientation 1 to 8 */
    Turn(int orientation, int storedWidth, int storedHeight) {
        swaps = orientation >= 5;
        columnsBack = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
        rowsBack = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
        width = swaps ? storedHeight : storedWidth;
        height = swaps ? storedWidth : storedHeight;
    }

    /** The stored region that has the upright rows [top, bottom). */
    Rect stored(int top, int bottom) {
        int first = rowsBack ? height - bottom : top;
        int last = rowsBack ? height - top : bottom;
        return swaps ? new Rect(first, 0, last, width) : new Rect(0, first, width, last);
    }

    /** Index in that region, of `wide` columns, of the upright pixel (y, x); y counts from `top` on. */
    int at(int y, int x, int rows, int wide) {
        int row = rowsBack ? rows - 1 - y : y;
        int column = columnsBack ? width - 1 - x : x;
        return swaps ? column * wide + row : row * wide + column;
    }

    /** Turns a bitmap of the whole photo, of any size, upright. */
    Matrix matrix() {
        Matrix matrix = new Matrix();
        if (swaps) matrix.setValues(new float[] {0, 1, 0, 1, 0, 0, 0, 0, 1});
        matrix.postScale(columnsBack ? -1 : 1, rowsBack ? -1 : 1);
        return matrix;
    }
}
