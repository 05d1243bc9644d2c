package org.edgeir.app;

import android.app.AlertDialog;
import android.app.Dialog;
import android.app.DialogFragment;
import android.app.FragmentManager;
import android.os.Bundle;
import org.edgeir.app.models.Model;
import org.edgeir.app.models.Models;

/** Asks which model restores; a fragment, so that it stays when the phone is turned. */
@SuppressWarnings("deprecation") // the one that replaced it is not part of Android
public final class ModelDialog extends DialogFragment {
    private static final String TAG = "models";

    /** A screen that shows the chosen model. */
    interface Owner {
        /** Another model is chosen, or the chosen one is gone. */
        void modelChanged();
    }

    /** For Android, which makes it anew. */
    public ModelDialog() {}

    static void show(FragmentManager fragments) {
        if (fragments.findFragmentByTag(TAG) != null) return; // pressed twice
        fragments.beginTransaction().add(new ModelDialog(), TAG).commitAllowingStateLoss();
        fragments.executePendingTransactions();
    }

    @Override
    public Dialog onCreateDialog(Bundle state) {
        Models models = App.of(getActivity()).models();
        Model chosen = models.chosen(Settings.of(getActivity()).model());
        ModelList list = new ModelList(getActivity(), models.all(), chosen);
        AlertDialog.Builder builder = new AlertDialog.Builder(getActivity())
                .setTitle(R.string.choose_model)
                .setNegativeButton(android.R.string.cancel, null)
                .setAdapter(list, (dialog, which) -> choose(list.getItem(which)));
        if (chosen != null && models.removable(chosen)) {
            builder.setNeutralButton(R.string.remove_bundle, (dialog, which) -> {
                models.remove(chosen);
                changed();
            });
        }
        return builder.create();
    }

    private void choose(Model model) {
        Settings.of(getActivity()).setModel(model.key());
        changed();
    }

    private void changed() {
        ((Owner) getActivity()).modelChanged();
    }
}
