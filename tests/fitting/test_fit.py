"""The size of a network chosen for a device: what is measured, chosen, kept in the card, and refused."""

import json

import pytest
import yaml

from edgeir.benchmarking.result import read_result
from edgeir.cli.app import main
from edgeir.cli.fit import fitted_lines
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError, ExportError, OutputError
from edgeir.fitting import run as fitting
from edgeir.fitting import work
from edgeir.fitting.run import NothingFits, fit
from edgeir.manifest.card import Card, read_card
from edgeir.models import PlainSRConfig
from edgeir.training.recipe import Recipe
from edgeir.training.run import train

SIZE = (24, 32)


def macs(channels, blocks):
    return PlainSRConfig(channels=channels, blocks=blocks, residual_kernel=1).build().macs(*SIZE) / 1e6


def budget(channels, blocks):
    """What just suffices."""
    return f"{macs(channels, blocks) + 1e-4:.6f}ms"


def test_the_largest_within_the_budget_is_chosen_and_few_are_measured(recipe, family, abacus):
    found = fit(recipe, budget=budget(6, 4), size=SIZE, plan_only=True, measurer=abacus)
    assert found.trained is None
    assert found.settings == ("model.channels=6", "model.residual_kernel=1", "model.blocks=4")
    assert sorted(abacus.asked) == [(4, 1), (4, 7), (6, 1), (6, 4), (6, 7)]
    fitted = found.fitted
    chosen = fitted.chosen
    assert chosen.measured
    assert chosen.cost == pytest.approx(macs(6, 4))
    assert chosen.capacity_macs == 4 * 9 * 6 * 6 * SIZE[0] * SIZE[1]
    assert chosen.macs == pytest.approx(1e6 * macs(6, 4))
    assert [member.capacity_macs for member in fitted.members] == sorted(
        (member.capacity_macs for member in fitted.members), reverse=True
    )
    reasons = {
        (member.network["channels"], member.network["blocks"]): member.reason for member in fitted.members
    }
    assert reasons[6, 7] == "over the budget"
    assert reasons[4, 7] == reasons[6, 1] == "fits, with less capacity"
    predicted = [member for member in fitted.members if not member.measured]
    assert [member.network["blocks"] for member in predicted] == [9]
    assert predicted[0].cost == pytest.approx(macs(4, 9))
    assert (fitted.unit, fitted.device, fitted.measured_on) == ("ms", "here", abacus.where)
    lines = "\n".join(fitted_lines(fitted))
    assert "predicted" in lines
    assert lines.count("chosen") == 1
    assert "Measured with random weights" in lines


def test_the_choice_is_trained_and_the_card_keeps_it(recipe, family, abacus, tmp_path):
    out = tmp_path / "run"
    found = fit(recipe, budget=budget(6, 5), size=SIZE, out=out, overrides=["train.steps=2"], measurer=abacus)
    assert found.trained.steps == 2
    for name in ("last", "best"):
        card = read_card(out / "checkpoints" / name)
        assert (card.model["channels"], card.model["blocks"]) == (6, 5)
        assert card.fitted == found.fitted
        assert card.provenance["recipe"]["model"]["blocks"] == 5
    asked = len(abacus.asked)
    arguments = {"budget": budget(6, 5), "size": SIZE, "out": out, "measurer": abacus}
    again = fit(recipe, **arguments, resume=True)
    assert again.trained.steps == 4
    assert len(abacus.asked) == asked  # a resumed run keeps its choice
    assert read_card(out / "checkpoints" / "last").fitted == found.fitted
    with pytest.raises(ConfigError, match=r"the run was begun for .* ms on here, tflite int8 at 24x32"):
        fit(recipe, **{**arguments, "budget": "99ms"}, resume=True)
    with pytest.raises(OutputError, match="exists already"):
        fit(recipe, **arguments)
    assert len(abacus.asked) == asked  # it was refused before anything was measured


def test_a_run_that_train_resumes_keeps_the_choice_and_a_new_one_forgets_it(recipe, family, abacus, tmp_path):
    out = tmp_path / "run"
    found = fit(recipe, budget=budget(4, 3), size=SIZE, out=out, overrides=["train.steps=2"], measurer=abacus)
    train(out / "recipe.yaml", out=out, overrides=["train.steps=3"], resume=True)
    assert read_card(out / "checkpoints" / "last").fitted == found.fitted
    train(recipe, out=out, overwrite=True)
    assert read_card(out / "checkpoints" / "last").fitted is None
    assert not (out / "fitted.json").exists()
    with pytest.raises(ConfigError, match="the run was not begun by edgeir fit"):
        fit(recipe, budget="9ms", size=SIZE, out=out, resume=True, measurer=abacus)


def test_a_card_of_before_is_read_and_one_with_a_choice_comes_back(recipe, family, abacus):
    found = fit(recipe, budget="1s", size=SIZE, plan_only=True, measurer=abacus)
    old = {
        "name": "old",
        "model": {"kind": "plainsr"},
        "facts": {},
        "parameters": 1,
        "weights_sha256": "0" * 64,
    }
    assert Card.model_validate(old).fitted is None
    new = Card.model_validate({**old, "fitted": found.fitted.model_dump(mode="json")})
    assert Card.model_validate_json(new.model_dump_json()).fitted == found.fitted


def test_a_table_is_written_and_used_again(recipe, family, abacus, tmp_path):
    table = tmp_path / "table.json"
    first = fit(recipe, budget=budget(6, 4), size=SIZE, plan_only=True, table=table, measurer=abacus)
    result = read_result(table)
    assert result.kind == "fit"
    assert len(result.rows) == len(abacus.asked)
    assert len({row.name for row in result.rows}) == len(result.rows)
    asked = len(abacus.asked)
    second = fit(recipe, budget=budget(6, 4), size=SIZE, plan_only=True, table=table, measurer=abacus)
    assert (second.fitted, len(abacus.asked)) == (first.fitted, asked)
    fit(recipe, budget=budget(6, 5), size=SIZE, plan_only=True, table=table, measurer=abacus)
    assert abacus.asked[asked:] == [(6, 5)]
    abacus.where = "an abacus 2.0, 1 thread"  # another version of what runs files
    fit(recipe, budget=budget(6, 5), size=SIZE, plan_only=True, table=table, measurer=abacus)
    assert len(abacus.asked) == asked + 1 + 5
    value = json.loads(table.read_text())
    for change, message in (
        ({"kind": "bench"}, "not a table of edgeir fit"),
        ({"format": "x"}, "is not a result of edgeir"),
    ):
        table.write_text(json.dumps({**value, **change}))
        with pytest.raises(ConfigError, match=message):
            fit(recipe, budget="9ms", size=SIZE, plan_only=True, table=table, measurer=abacus)
    value["rows"][0]["details"].pop("network")
    table.write_text(json.dumps(value))
    with pytest.raises(ConfigError, match="does not say what was measured"):
        fit(recipe, budget="9ms", size=SIZE, plan_only=True, table=table, measurer=abacus)


def test_a_budget_that_nothing_meets_shows_the_cheapest(
    recipe, family, abacus, tmp_path, capsys, monkeypatch
):
    with pytest.raises(
        NothingFits, match="no member of the family runs within 0.001ms on here at 24x32"
    ) as caught:
        fit(recipe, budget="0.001ms", size=SIZE, out=tmp_path / "run", measurer=abacus)
    assert caught.value.fitted.chosen is None
    assert sorted(abacus.asked) == [(4, 1), (6, 1)]
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(fitting, "measurer_for", lambda *_, **__: abacus)
    words = ["fit", str(recipe), "--budget", "0.001ms", "--size", "24x32", "--out", str(tmp_path / "run")]
    assert main([*words, "--quiet"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("over the budget") == 2
    assert shown.err.splitlines()[-1].startswith("edgeir: error: tiny: no member of the family")
    assert main([*words, "--quiet", "--json"]) == 2
    assert len(json.loads(capsys.readouterr().out)["members"]) == 2


def test_the_command_chooses_and_trains(recipe, family, abacus, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fitting, "measurer_for", lambda *_, **__: abacus)
    words = ["fit", str(recipe), "--budget", budget(4, 2), "--size", "24x32", "--quiet"]
    assert main([*words, "--plan-only"]) == 0
    assert "chosen: model.channels=4 model.residual_kernel=1 model.blocks=2" in capsys.readouterr().out
    assert main([*words, "--out", str(tmp_path / "run"), "train.steps=2"]) == 0
    shown = capsys.readouterr().out
    assert "finished after 2 steps" in shown
    assert "best --target tflite --precision int8 --size 24x32 --out" in shown
    assert main([*words, "--out", str(tmp_path / "run"), "--resume", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["trained"]["steps"] == 4
    assert value["fitted"]["members"]


def test_times_of_a_busy_machine_are_doubted(recipe, family, abacus):
    found = fit(recipe, budget="1s", size=SIZE, plan_only=True, measurer=abacus)
    assert "busy" not in found.fitted.remark
    abacus.note = "others kept 1.3 cores busy"
    found = fit(recipe, budget="1s", size=SIZE, plan_only=True, measurer=abacus)
    assert "kept this machine busy" in found.fitted.remark


def test_a_precision_may_be_chosen_too(recipe, family, abacus):
    precisions = ("int8", "fp32")
    found = fit(
        recipe, budget=budget(6, 4), size=SIZE, precisions=precisions, plan_only=True, measurer=abacus
    )
    assert found.fitted.chosen.precision == "fp32"  # here it costs no more


def test_members_without_the_features_that_a_recipe_reads_are_left_out(recipe, abacus):
    values = yaml.safe_load(recipe.read_text())
    taps = {"student_taps": ["body.5"], "teacher_taps": ["body.9"]}
    methods = [{"kind": "attention", "weight": 1.0, **taps}]
    values["objective"] = {"distillation": {"teacher": "sr-x4", "methods": methods}}
    values["model"]["blocks"] = 6
    loaded = Recipe.model_validate(values)
    from edgeir.fitting.members import family_of, lines_of

    lines = lines_of(loaded, family_of(loaded), SIZE, "tflite", ["int8"])
    assert {line.least for line in lines} == {6}
    assert len(lines) == 9  # eight of the table, and the recipe's own of four channels
    values["objective"]["distillation"]["methods"][0]["student_taps"] = ["body.40"]
    with pytest.raises(ConfigError, match=r"no member of the family has the features body\.40"):
        lines_of(Recipe.model_validate(values), family_of(loaded), SIZE, "tflite", ["int8"])


def test_the_family_of_plainsr_has_whole_kernels_and_the_recipes_own_shape():
    family = PlainSRConfig(channels=12, tail_rank=16).family()
    widths = {shape["channels"] for shape in family.shapes}
    assert widths == {12, 16, 32, 48, 64}
    assert len(family.shapes) == 9
    assert len(PlainSRConfig(channels=16, tail_rank=16, residual_kernel=1).family().shapes) == 8
    member = family.member(PlainSRConfig(scale=4), family.shapes[0], 7)
    assert (member.channels, member.tail_rank, member.residual_kernel, member.blocks) == (16, 16, 1, 7)
    assert {shape["tail_rank"] for shape in PlainSRConfig(scale=2).family().shapes} == {None}


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        (
            {"model": {"kind": "srcnn", "scale": 4}},
            {},
            r"`srcnn` states no family .*networks with one: .*plainsr",
        ),
        ({"fine_tune_from": "sr-x4"}, {}, "`fine_tune_from` is sr-x4, weights of one size"),
        ({}, {"budget": "0.6G"}, "is timed, and counts no instructions"),
        ({}, {"budget": "8"}, "has no unit"),
        ({}, {"on": "android-arm64:a76"}, "emulated and has no clock"),
        ({}, {"on": "slate"}, "there is no device `slate`"),
        ({}, {"precisions": ["int8", "int8"]}, "name each once"),
        ({}, {"precisions": ["int4"]}, "int4"),
        ({}, {"target": "wood"}, "there is no target `wood`"),
        ({}, {"target": "coreml", "measurer": None}, "are not timed on this machine"),
        ({}, {"size": (0, 32)}, "the size is 0x32"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(recipe, abacus, changes, arguments, message):
    recipe.write_text(yaml.safe_dump({**yaml.safe_load(recipe.read_text()), **changes}))
    given = {"budget": "8ms", "size": SIZE, "plan_only": True, "measurer": abacus, **arguments}
    with pytest.raises(ConfigError, match=message):
        fit(recipe, **given)
    assert abacus.asked == []


def test_a_shape_that_cannot_be_made_or_run_is_left_out_and_said(recipe, family, abacus, monkeypatch):
    write = work.export_member

    def refuses(config, *rest):
        if config.channels == 6:
            raise ExportError("six is no number of channels")
        return write(config, *rest)

    monkeypatch.setattr(work, "export_member", refuses)
    found = fit(recipe, budget=budget(6, 9), size=SIZE, plan_only=True, measurer=abacus)
    assert found.fitted.chosen.network["channels"] == 4
    (left,) = (member for member in found.fitted.members if member.network["channels"] == 6)
    assert left.cost is None
    assert left.reason == "cannot be made: six is no number of channels"

    monkeypatch.setattr(work, "export_member", write)

    class Fussy(type(abacus)):
        def __call__(self, folders, progress):
            if any(json.loads((folder / "config.json").read_text())["channels"] == 6 for folder in folders):
                raise ArtifactError("six beads are too many")
            return super().__call__(folders, progress)

    found = fit(recipe, budget=budget(6, 9), size=SIZE, plan_only=True, measurer=Fussy())
    assert found.fitted.chosen.network["channels"] == 4
    assert "cannot run: six beads are too many" in {member.reason for member in found.fitted.members}

    class Gone(type(abacus)):
        def __call__(self, folders, progress):
            raise DeviceError("the cable was pulled", where="abacus")

    with pytest.raises(DeviceError, match="the cable was pulled"):
        fit(recipe, budget="9ms", size=SIZE, plan_only=True, measurer=Gone())
