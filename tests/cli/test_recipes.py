"""The list of recipes: whole sentences, whole words, and the command that runs each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgeir.cli.app import main
from edgeir.cli.recipes import _first_sentence
from edgeir.core.assets import find_asset, list_assets
from edgeir.core.config import read_yaml
from edgeir.training.recipe import load_recipe


def test_a_recipe_is_summed_up_in_a_whole_sentence_and_with_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["recipes"]) == 0
    shown = capsys.readouterr().out.splitlines()
    student, teacher = (
        next(line for line in shown if f"/ppcn-{role}-paper " in line) for role in ("student", "teacher")
    )
    assert student.split()[1] == "distill"
    assert student.endswith("(Hui et al., ECCV-W 2018, eq. 13 in full), distilled from the run of "
                            "ppcn-teacher-paper by attention maps (eq. 12)")  # fmt: skip
    assert teacher.split()[1] == "train"
    assert not [line for line in shown if line.endswith((" eq", " eqs", " al"))]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One. Two.", "One"),
        ("As in eq. 3 (Fig. Two, by A. et al. Then). Next one.", "As in eq. 3 (Fig. Two, by A. et al. Then)"),
        ("Noise e.g. Poisson's, at 1.5 levels. Done", "Noise e.g. Poisson's, at 1.5 levels"),
        ("No stop", "No stop"),
        ("", ""),
    ],
)
def test_a_sentence_does_not_end_at_an_abbreviation(text: str, sentence: str) -> None:
    assert _first_sentence(text) == sentence


def test_the_list_names_the_command_that_runs_each_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--json"]) == 0
    for entry in json.loads(capsys.readouterr().out):
        distilled = load_recipe(entry["name"]).objective.distillation is not None
        assert entry["command"] == ("distill" if distilled else "train"), entry["name"]


def test_no_recipe_breaks_a_line_at_a_hyphen() -> None:
    """YAML joins folded lines with a space, so the word would be shown as two."""
    for name in list_assets("recipes"):
        about = read_yaml(find_asset("recipes", name))["about"]
        assert not re.search(r"\w-\s", about), name


SOUND = "name: mine\nmodel: {kind: plainsr, channels: 4}\ndata: {sources: [{kind: embedded}]}\ntrain: {steps: 1}\n"


@pytest.mark.parametrize(
    "text", ["\ufeff" + SOUND, SOUND.replace("\n", "\r\n"), "b: &b {steps: 1}\n" + SOUND]
)
def test_a_recipe_of_another_editor_is_shown(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text.encode())
    if text.startswith("b: "):
        assert main(["recipes", str(path)]) == 2
        assert "unknown key `b`, " in capsys.readouterr().err
        path.write_text(SOUND.replace("{steps: 1}", "{<<: {steps: 5, seed: 3}, steps: 1}"))
    assert main(["recipes", str(path)]) == 0
    assert "steps: 1\n" in capsys.readouterr().out
    assert main(["recipes", str(path), "--as-written", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"]["name"] == "mine"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("name: 2001-99-99x!", "`name`: string should match pattern"),
        ("model: {kind: plainsr, channels: 1e30}", "`model.channels` must be a whole number, not `1e30`"),
        (
            f"model: {{kind: plainsr, channels: {10**30}}}",
            "`model.channels` must be less than or equal to 4096",
        ),
        (f"model: {{kind: plainsr, channels: {'9' * 10_000}}}", "a number of 10,000 characters is too long"),
        (
            "data: {sources: [{kind: embedded, weight: .nan}]}",
            "`data.sources.0.weight` must be a finite number",
        ),
        ("data: {sources: [{kind: embeded}]}", "did you mean `embedded`?"),
        ("data: {sources: [{kind: embedded, [a]: 1}]}", "a key must be plain text"),
        ("train: {steps: !!python/name:os.system }", "the tag `python/name:os.system` is not allowed"),
        ("train: " + "[" * 1500, "nested deeper than 50 levels"),
        ("train: {steps: !!int ''}", "an empty value is no whole number"),
        ("objective: 3", "`objective` must be a mapping of keys to values, not `3`"),
    ],
)
def test_an_odd_recipe_is_one_line_and_exit_code_2(
    change: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = change.partition(":")[0]
    path = tmp_path / "odd.yaml"
    path.write_text(
        "\n".join([line for line in SOUND.splitlines() if not line.startswith(f"{key}:")] + [change])
    )
    assert main(["recipes", str(path)]) == 2
    file_error = capsys.readouterr().err
    value = change.partition(":")[2].strip()
    path.write_text(SOUND)
    assert main(["recipes", str(path), f"{key}={value}"]) == 2
    for error in (file_error, capsys.readouterr().err):
        assert message in error
        assert error.count("\n") == 1
        assert len(error) < 600
