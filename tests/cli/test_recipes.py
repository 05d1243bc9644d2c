"""The list of recipes: whole sentences, whole words, and the command that runs each."""

from __future__ import annotations

import json
import re

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
