package org.edgeir.app;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.app.Activity;
import android.app.AlertDialog;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Looper;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ListView;
import android.widget.TextView;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.edgeir.app.bench.BenchmarkActivity;
import org.edgeir.app.compare.CompareActivity;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;
import org.edgeir.app.queue.Job;
import org.edgeir.app.queue.RestoreService;
import org.edgeir.restorer.pixels.ArrayImage;
import org.junit.Before;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowAlertDialog;

/** Every screen as it is drawn, written to target/screenshots; what can be pressed has a name and is large enough. */
@Config(sdk = 35)
public class ScreensTest extends AppTest {
    private static final String PHONE = "w411dp-h891dp-port-";
    private static final String TURNED = "w891dp-h411dp-land-";

    @Before
    public void setUp() {
        free(4L << 30);
    }

    /** A photo of stripes and discs, so that sharpness can be seen, with grain: its result is too large for a pipe's buffer. */
    private static ArrayImage photo(int width, int height) {
        byte[] samples = new byte[3 * width * height];
        Random grain = new Random(1);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double disc = Math.hypot(x - width * 0.6, y - height * 0.45);
                boolean stripe = (x + y / 2) / 6 % 2 == 0;
                boolean inside = disc < height * 0.3;
                int red = inside ? 200 : stripe ? 70 : 130;
                int green = inside ? (int) (60 + disc) : stripe ? 110 : 160;
                int blue = inside ? 60 : 150 - 100 * y / height;
                int at = 3 * (y * width + x);
                for (int colour : new int[] {red, Math.min(250, green), blue})
                    samples[at++] = (byte) (colour + grain.nextInt(7) - 3);
            }
        }
        return new ArrayImage(width, height, 3, false, samples);
    }

    private void shot(View view, String name) throws IOException {
        Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
        view.draw(new Canvas(bitmap));
        File screenshots = new File(System.getProperty("edgeir.app.written"), "screenshots");
        assertTrue(screenshots.isDirectory() || screenshots.mkdirs());
        try (OutputStream out = new FileOutputStream(new File(screenshots, name + ".png"))) {
            bitmap.compress(Bitmap.CompressFormat.PNG, 100, out);
        }
    }

    private void shot(ActivityController<? extends Activity> controller, String name) throws IOException {
        controller.visible();
        View decor = controller.get().getWindow().getDecorView();
        for (int time = 0; time < 12; time++) { // images come from other threads
            shadowOf(Looper.getMainLooper()).idleFor(50, TimeUnit.MILLISECONDS);
            try {
                Thread.sleep(20);
            } catch (InterruptedException error) {
                throw new AssertionError(error);
            }
        }
        check(decor, name);
        shot(decor, name);
    }

    /** For TalkBack and for fingers. */
    private static void check(View view, String name) {
        if (view.getVisibility() != View.VISIBLE) return;
        boolean pressed = view.isClickable() && !(view instanceof ListView);
        if (pressed && view.getHeight() > 0) {
            String what = name + ": " + view;
            assertFalse(what + " has no name", words(view).isEmpty());
            float dp = view.getResources().getDisplayMetrics().density;
            boolean links = view instanceof TextView && ((TextView) view).isTextSelectable();
            assertTrue(what + " is too small", links || view.getHeight() >= 47 * dp);
        }
        if (view instanceof ViewGroup)
            for (int child = 0; child < ((ViewGroup) view).getChildCount(); child++)
                check(((ViewGroup) view).getChildAt(child), name);
    }

    private static String words(View view) {
        StringBuilder text = new StringBuilder();
        if (view.getContentDescription() != null) text.append(view.getContentDescription());
        if (view instanceof TextView) text.append(((TextView) view).getText());
        if (view instanceof ViewGroup)
            for (int child = 0; child < ((ViewGroup) view).getChildCount(); child++)
                text.append(words(((ViewGroup) view).getChildAt(child)));
        return text.toString();
    }

    /** Ways in which a screen is held and set up. */
    private static final String[][] WAYS = {
        {"portrait", PHONE + "notnight-xhdpi", "1"},
        {"landscape", TURNED + "notnight-xhdpi", "1"},
        {"dark", PHONE + "night-xhdpi", "1"},
        {"large", PHONE + "notnight-xhdpi", "2"},
        {"large-landscape", TURNED + "night-xhdpi", "2"},
    };

    private static String way(String[] way) {
        RuntimeEnvironment.setQualifiers(way[1]);
        RuntimeEnvironment.setFontScale(Float.parseFloat(way[2]));
        return way[0];
    }

    @Test
    public void allScreens() throws Exception {
        way(WAYS[0]);
        shot(user.open(), "first-empty");
        File file = Images.png(folder.newFile(), photo(240, 180));
        user.open(User.share(OtherApp.give(file, "harbour.png")));
        user.untilFinished();
        OtherApp.revoke();
        user.open(User.share(OtherApp.give(file, "a photo with a rather long name, from 2024-08-17.jpg")));
        user.untilFinished();
        OtherApp.install();
        File large = Images.png(folder.newFile(), photo(600, 450));
        user.open(User.share(OtherApp.give(large, "boats.png")));
        user.untilFinished();
        Job boats = User.queue().all().get(0);
        Held held = new Held(boats, () -> boats.permille() > 500);
        RestoreService.again(User.app(), boats);
        ActivityController<MainActivity> running = user.open(User.share(OtherApp.give(file, "lighthouse.png")));
        user.until("boats does not run", () -> boats.state() == Job.State.RUNNING && boats.permille() > 500);
        shot(running, "first-running");
        ActivityController<CompareActivity> half = SavingTest.show(boats);
        shot(half, "compare-running");
        assertEquals(Job.State.RUNNING, boats.state());
        User.click(half.get(), R.id.cancel);
        held.release();
        user.untilFinished();
        assertEquals(Job.State.CANCELLED, boats.state());
        Job done = User.queue().all().get(3);
        assertEquals("harbour.png", done.name);
        ActivityController<BenchmarkActivity> timed =
                Robolectric.buildActivity(BenchmarkActivity.class).setup();
        User.click(timed.get(), R.id.start);
        shot(timed, "benchmark-running");
        user.until("the benchmark does not end", () -> !User.text(timed.get(), R.id.figures).isEmpty());
        for (String[] way : WAYS) {
            String name = way(way);
            shot(user.open(), "first-" + name);
            ActivityController<CompareActivity> compare = SavingTest.show(done);
            shot(compare, "compare-" + name);
            shot(Robolectric.buildActivity(BenchmarkActivity.class).setup(), "benchmark-" + name);
        }
    }

    @Test
    public void theModels() throws Exception {
        for (String[] way : WAYS) {
            String name = way(way);
            ActivityController<MainActivity> first = user.open();
            User.click(first.get(), R.id.model);
            shadowOf(Looper.getMainLooper()).idle();
            AlertDialog dialog = ShadowAlertDialog.getLatestAlertDialog();
            ListView list = dialog.getListView();
            assertEquals(User.app().models().all().size(), list.getAdapter().getCount());
            shot(dialog.getWindow().getDecorView(), "models-" + name);
            shadowOf(dialog).clickOnItem(1);
            shadowOf(Looper.getMainLooper()).idle();
            assertEquals(
                    User.app().models().all().get(1).key(), Settings.of(User.app()).model());
        }
    }

    /** Turned while the list of models is open: it stays, and what is chosen then counts. */
    @Test
    public void theModelsStayWhenThePhoneIsTurned() {
        way(WAYS[0]);
        ActivityController<MainActivity> first = user.open();
        User.click(first.get(), R.id.model);
        first.get().findViewById(R.id.model).performClick(); // a second press opens no second list
        shadowOf(Looper.getMainLooper()).idle();
        AlertDialog before = ShadowAlertDialog.getLatestAlertDialog();
        assertTrue(before.isShowing());
        way(WAYS[1]);
        first.configurationChange();
        shadowOf(Looper.getMainLooper()).idle();
        AlertDialog after = ShadowAlertDialog.getLatestAlertDialog();
        assertNotSame(before, after);
        assertFalse(before.isShowing());
        assertTrue(after.isShowing());
        shadowOf(after).clickOnItem(3);
        shadowOf(Looper.getMainLooper()).idle();
        Model chosen = User.app().models().all().get(3);
        assertEquals(chosen.key(), Settings.of(User.app()).model());
        assertEquals(Descriptions.title(User.app(), chosen), User.text(first.get(), R.id.model_title));
        assertFalse(after.isShowing());
        first.recreate(); // closed, it stays closed
        shadowOf(Looper.getMainLooper()).idle();
        assertSame(after, ShadowAlertDialog.getLatestAlertDialog());
    }

    /** Since Android 15 the window lies under the system's bars, and under a cutout. */
    @Test
    public void nothingLiesUnderTheBars() {
        View root = user.open().get().findViewById(R.id.root);
        android.view.WindowInsets insets = new android.view.WindowInsets.Builder()
                .setInsets(android.view.WindowInsets.Type.systemBars(), android.graphics.Insets.of(0, 50, 0, 80))
                .setInsets(android.view.WindowInsets.Type.displayCutout(), android.graphics.Insets.of(30, 60, 0, 0))
                .build();
        root.dispatchApplyWindowInsets(insets);
        assertEquals(30, root.getPaddingLeft());
        assertEquals(60, root.getPaddingTop());
        assertEquals(80, root.getPaddingBottom());
    }

    /** Two fingers enlarge; what is enlarged is decoded anew. */
    @Test
    public void anEnlargedPart() throws Exception {
        way(WAYS[0]);
        File file = Images.png(folder.newFile(), photo(700, 500));
        user.open(User.share(OtherApp.give(file, "harbour.png")));
        user.untilFinished();
        ActivityController<CompareActivity> compare = SavingTest.show(User.queue().all().get(0));
        shot(compare, "compare-whole");
        org.edgeir.app.compare.CompareView view = compare.get().findViewById(R.id.compare);
        view.zoom(8, view.getWidth() * 0.45f, view.getHeight() * 0.5f);
        shot(compare, "compare-enlarged");
    }
}
