"""Every recipe that trains in minutes or hours, for two steps on the embedded photographs, after the runs it needs."""

import importlib
import re
from pathlib import Path

import pytest
from safetensors.torch import save_file

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.assets import list_assets
from edgeir.core.shipped import import_of_run, recipe_of_run
from edgeir.data.labelled.sources import Labelled
from edgeir.distillation import HighLevelTask
from edgeir.models import PPCNEnhanceConfig, SMFANetConfig
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

SMALL = [name for name in list_assets("recipes") if not name.endswith("-paper")]
FEW = (
    "data.batch=2",
    "train.steps=2",
    "train.samples=0",
    "train.precision=32-true",
    "validation.limit=1",
    "validation.size=32",
    "optim.schedule={kind: constant}",
)


IMPORTED = {
    "smfanet-plus-x4": SMFANetConfig(channels=4, blocks=1),
    "ppcn-teacher": PPCNEnhanceConfig(size="teacher"),
}
"""Runs that recipes expect `edgeir import` to make."""


def overrides(recipe):
    """The least that makes a recipe run here: own images instead of a data set's, fewer steps."""
    found = [*FEW]
    if any(isinstance(source, Labelled) for source in recipe.data.sources):  # small, and part of scikit-learn
        return [*found, "validation.size=16"]
    if recipe.data.degradation is None:  # pairs of a data set
        found.append("data.degradation={kind: phone-camera}")
    found += [
        "data.sources=[{kind: embedded}]",
        "data.rescale=[0.5]",
        "validation.sources=[{kind: embedded}]",
    ]
    return found


def finished(name, done):
    """Train `name` into runs/<its name>, and first whatever runs it refers to."""
    recipe = load_recipe(name)
    for needed in runs_named_in(recipe):
        if needed in IMPORTED:
            make_imported(needed)
        elif needed not in done:
            finished(recipe_of_run(needed)[0], done)
    make_weights(recipe)
    run = train if recipe.objective.distillation is None else distill
    result = run(name, overrides=overrides(recipe))
    done.add(recipe.name)
    return result


def runs_named_in(recipe):
    """Runs of other recipes; files of weights come from elsewhere."""
    text = recipe.model_dump_json(exclude={"about"})
    return [match for match in re.findall(r"runs/([a-z0-9._-]+)", text) if match != "high-level"]


def make_imported(run):
    """A checkpoint in place of another author's weights, of the same kind of network, small and with random weights."""
    network = IMPORTED[run].build()
    save_checkpoint(Path("runs") / run, network, network.state_dict(), name=run, metrics={}, provenance={})


def make_weights(recipe):
    """Random weights for the frozen network of a joint recipe; benchmarks/high_level.py trains real ones."""
    distillation = recipe.objective.distillation
    for method in distillation.methods if distillation is not None else ():
        if isinstance(method, HighLevelTask):
            module, _, name = method.network.target.partition(":")
            path = Path(method.network.weights)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(getattr(importlib.import_module(module), name)().state_dict(), path)


@pytest.mark.parametrize("name", SMALL)
def test_it_trains(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = finished(name, set())
    assert result.steps == 2
    assert not result.stopped
    assert (result.run_dir / "checkpoints" / "last" / "weights.safetensors").is_file()


@pytest.mark.parametrize("name", SMALL)
def test_runs_that_it_refers_to_have_a_recipe(name):
    for needed in runs_named_in(load_recipe(name)):
        if needed in IMPORTED:
            assert import_of_run(needed).endswith(f" --out runs/{needed}")
        else:
            assert recipe_of_run(needed)[0] in SMALL
