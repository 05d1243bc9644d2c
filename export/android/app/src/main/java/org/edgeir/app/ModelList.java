package org.edgeir.app;

import android.app.Activity;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ArrayAdapter;
import android.widget.RadioButton;
import android.widget.TextView;
import java.util.List;
import org.edgeir.app.models.Descriptions;
import org.edgeir.app.models.Model;

/** The models of all bundles, of which one is chosen. */
final class ModelList extends ArrayAdapter<Model> {
    private final Activity activity;
    private final Model chosen;

    ModelList(Activity activity, List<Model> models, Model chosen) {
        super(activity, R.layout.model, models);
        this.activity = activity;
        this.chosen = chosen;
    }

    @Override
    public View getView(int position, View old, ViewGroup parent) {
        View view = old != null ? old : activity.getLayoutInflater().inflate(R.layout.model, parent, false);
        Model model = getItem(position);
        ((TextView) view.findViewById(R.id.model_row_title)).setText(Descriptions.title(activity, model));
        ((TextView) view.findViewById(R.id.model_row_about)).setText(Descriptions.about(activity, model));
        RadioButton mark = view.findViewById(R.id.model_row_chosen);
        mark.setChecked(chosen != null && chosen.key().equals(model.key()));
        return view;
    }
}
