package org.edgeir.app;

import android.app.Activity;
import android.graphics.Insets;
import android.os.Build;
import android.view.View;
import android.view.WindowInsets;
import android.widget.TextView;

/** What all screens do. */
public final class Screen {
    private Screen() {}

    /** Keeps the content clear of the system's bars and of cutouts: since Android 15 a window lies under them. */
    public static void insideBars(Activity activity) {
        View root = activity.findViewById(R.id.root);
        root.setOnApplyWindowInsetsListener((view, insets) -> {
            if (Build.VERSION.SDK_INT >= 30) pad(view, insets);
            else padOld(view, insets);
            return insets;
        });
    }

    @Newer(than = 30)
    private static void pad(View view, WindowInsets insets) {
        Insets bars = insets.getInsets(WindowInsets.Type.systemBars() | WindowInsets.Type.displayCutout());
        view.setPadding(bars.left, bars.top, bars.right, bars.bottom);
    }

    private static void padOld(View view, WindowInsets insets) {
        view.setPadding(
                insets.getSystemWindowInsetLeft(),
                insets.getSystemWindowInsetTop(),
                insets.getSystemWindowInsetRight(),
                insets.getSystemWindowInsetBottom());
    }

    /** Shows a text; a view without one takes no room. */
    public static void say(TextView view, String text) {
        if (!text.contentEquals(view.getText())) view.setText(text);
        view.setVisibility(text.isEmpty() ? View.GONE : View.VISIBLE);
    }

    public static void show(View view, boolean visible) {
        view.setVisibility(visible ? View.VISIBLE : View.GONE);
    }
}
