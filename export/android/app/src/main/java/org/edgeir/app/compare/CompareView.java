package org.edgeir.app.compare;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Matrix;
import android.graphics.Paint;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.view.GestureDetector;
import android.view.MotionEvent;
import android.view.ScaleGestureDetector;
import android.view.View;
import java.util.ArrayList;
import java.util.List;
import org.edgeir.app.R;

/** The photo on the left of a line, the result on the right; the line is drawn along, two fingers enlarge. */
public final class CompareView extends View {
    /** Hears what the fingers do. */
    interface Listener {
        /** The line was moved; 0: all is the result, 1: all is the photo. */
        void split(float split);

        /** Another part of the result is shown, or in another size. */
        void moved();
    }

    /** Screen pixels per pixel of the result, at most. */
    private static final float MOST = 8;
    /** How near to the line a finger moves it, in dp. */
    private static final float NEAR = 32;

    private final Paint smooth = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final Paint line = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Paint text = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Paint shade = new Paint();
    private final float dp = getResources().getDisplayMetrics().density;
    private final Matrix matrix = new Matrix();
    private final ScaleGestureDetector pinch;
    private final GestureDetector drag;
    private List<Layer> before = new ArrayList<>();
    private List<Layer> after = new ArrayList<>();
    private Listener listener;
    private float width;
    private float height;
    private float split = 0.5f;
    /** Screen pixels per pixel of the result, and where its corner lies. */
    private float scale;

    private float left;
    private float top;
    private boolean moving;

    public CompareView(Context context, AttributeSet attributes) {
        super(context, attributes);
        pinch = new ScaleGestureDetector(context, new ScaleGestureDetector.SimpleOnScaleGestureListener() {
            @Override
            public boolean onScale(ScaleGestureDetector detector) {
                zoom(detector.getScaleFactor(), detector.getFocusX(), detector.getFocusY());
                return true;
            }
        });
        drag = new GestureDetector(context, new Drag());
        line.setColor(0xffffffff);
        line.setStrokeWidth(2 * dp);
        line.setShadowLayer(2 * dp, 0, 0, 0xff000000);
        text.setColor(0xffffffff);
        text.setTextSize(getResources().getDimension(R.dimen.label));
        shade.setColor(0x99000000);
    }

    void setListener(Listener listener) {
        this.listener = listener;
    }

    /** The size of the result, in pixels. */
    void setSize(int width, int height) {
        if (this.width == width && this.height == height) return;
        this.width = width;
        this.height = height;
        fit();
    }

    /** What is drawn, one above the other. */
    void setLayers(List<Layer> before, List<Layer> after) {
        this.before = before;
        this.after = after;
        invalidate();
    }

    /** 0: all is the result, 1: all is the photo. */
    void setSplit(float split) {
        this.split = Math.max(0, Math.min(1, split));
        invalidate();
    }

    /** Screen pixels per pixel of the result. */
    float scale() {
        return scale;
    }

    /** The part of the result that is on the screen, in its pixels. */
    RectF visible() {
        RectF part = new RectF(-left / scale, -top / scale, (getWidth() - left) / scale, (getHeight() - top) / scale);
        return part.intersect(0, 0, width, height) ? part : new RectF();
    }

    /** Enlarges around a point of the view. */
    public void zoom(float factor, float x, float y) {
        float wanted = Math.max(fitting(), Math.min(Math.max(MOST, fitting()), scale * factor));
        left = x - (x - left) * wanted / scale;
        top = y - (y - top) * wanted / scale;
        scale = wanted;
        settle();
    }

    private float fitting() {
        return width == 0 || getWidth() == 0 ? 1 : Math.min(getWidth() / width, getHeight() / height);
    }

    private void fit() {
        scale = fitting();
        settle();
    }

    /** No empty room where there is image to show. */
    private void settle() {
        left = settled(left, getWidth(), width * scale);
        top = settled(top, getHeight(), height * scale);
        if (listener != null) listener.moved();
        invalidate();
    }

    private static float settled(float start, float room, float size) {
        return size <= room ? (room - size) / 2 : Math.max(room - size, Math.min(0, start));
    }

    @Override
    protected void onSizeChanged(int w, int h, int oldWidth, int oldHeight) {
        fit();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (width == 0) return;
        float x = split * getWidth();
        canvas.save();
        canvas.clipRect(0, 0, x, getHeight());
        draw(canvas, before);
        canvas.restore();
        canvas.save();
        canvas.clipRect(x, 0, getWidth(), getHeight());
        draw(canvas, after);
        canvas.restore();
        canvas.drawLine(x, 0, x, getHeight(), line);
        canvas.drawCircle(x, getHeight() / 2f, 10 * dp, line);
        label(canvas, getContext().getString(R.string.before), 8 * dp, x);
        String restored = getContext().getString(R.string.after);
        float start = getWidth() - text.measureText(restored) - 24 * dp;
        if (start > x) label(canvas, restored, start, getWidth());
    }

    private void draw(Canvas canvas, List<Layer> layers) {
        for (Layer layer : layers) {
            RectF place = layer.place;
            matrix.setScale(place.width() / layer.bitmap.getWidth(), place.height() / layer.bitmap.getHeight());
            matrix.postTranslate(place.left, place.top);
            matrix.postScale(scale, scale);
            matrix.postTranslate(left, top);
            canvas.drawBitmap(layer.bitmap, matrix, smooth);
        }
    }

    private void label(Canvas canvas, String words, float start, float end) {
        float wide = text.measureText(words) + 16 * dp;
        if (start + wide > end) return;
        Paint.FontMetrics metrics = text.getFontMetrics();
        float high = metrics.descent - metrics.ascent + 8 * dp;
        canvas.drawRoundRect(start, 8 * dp, start + wide, 8 * dp + high, 6 * dp, 6 * dp, shade);
        canvas.drawText(words, start + 8 * dp, 12 * dp - metrics.ascent, text);
    }

    @Override
    public boolean onTouchEvent(MotionEvent event) {
        if (event.getActionMasked() == MotionEvent.ACTION_DOWN)
            moving = Math.abs(event.getX() - split * getWidth()) < NEAR * dp;
        if (event.getPointerCount() > 1) moving = false;
        if (moving) {
            if (event.getActionMasked() == MotionEvent.ACTION_MOVE) {
                setSplit(event.getX() / getWidth());
                if (listener != null) listener.split(split);
            }
            return true;
        }
        pinch.onTouchEvent(event);
        drag.onTouchEvent(event);
        return true;
    }

    private final class Drag extends GestureDetector.SimpleOnGestureListener {
        @Override
        public boolean onDown(MotionEvent event) {
            return true;
        }

        @Override
        public boolean onScroll(MotionEvent first, MotionEvent now, float byX, float byY) {
            left -= byX;
            top -= byY;
            settle();
            return true;
        }

        @Override
        public boolean onDoubleTap(MotionEvent event) {
            if (scale > 1.01f * fitting()) fit();
            else zoom(Math.max(2, 1 / scale), event.getX(), event.getY());
            return true;
        }
    }
}
