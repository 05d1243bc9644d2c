"""Recipes: every one that edgeir brings is valid; schedules; mistakes are reported together."""

import math

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgeir.core.assets import list_assets
from edgeir.core.errors import ConfigError
from edgeir.training.optim import Constant, Cosine, Optim, Steps
from edgeir.training.recipe import load_recipe


@pytest.mark.parametrize("name", list_assets("recipes"))
def test_every_shipped_recipe_is_valid(name):
    recipe = load_recipe(name)
    assert recipe.about, "a recipe says what it is"


def test_all_mistakes_are_reported_at_once(recipe):
    values = recipe.values | {"optim": {"lrr": 1}, "model": {"kind": "plainsrr"}}
    values["train"] = values["train"] | {"steps": -1}
    recipe.path.write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError) as caught:
        load_recipe(recipe.path)
    assert len(caught.value.problems) == 3
    text = str(caught.value)
    assert "unknown key `optim.lrr`, did you mean `lr`?" in text
    assert "not `plainsrr`, did you mean `plainsr`?" in text
    assert "`train.steps` must be greater than or equal to 1, not `-1`" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.scale=2", "`model.scale` is 2 but that of `data` is 4"),
        ("data.rescale=[0.0]", "data.rescale.* 0.01"),
        ("data.sources=[{kind: embedded, rescale: [1.5]}]", "less than or equal to 1"),
        ("objective.losses=[{kind: l1}, {kind: l1}]", "names a loss twice"),
        ("objective.distillation={teacher: x, cache: true, methods: "
         "[{kind: attention, student_taps: [a], teacher_taps: [b]}]}",
         "works with `output` distillation only"),
        ("objective.distillation={teacher: x, self_ensemble: true}", "needs `cache: true`"),
        ("data.augment=false", "`data.augment` must be one of all, flips, rotations, none, not `False`"),
        ("optim.lr=fast", "`optim.lr` must be a number"),
        ("optim.lr=1e300", "`optim.lr`.* 100"),
        ("optim.lr=.inf", "`optim.lr`"),
        ("optim.betas=[0.9, 1.0]", "`optim.betas.1`.* 1"),
        ("optim.weight_decay=1e9", "`optim.weight_decay`.* 10"),
        ("optim.schedule={kind: steps, milestones: [-1]}", "milestones.* 0"),
        ("optim.schedule={kind: cosine, warmup: 1e30}", "warmup"),
        ("train.steps=1000000000000000000000000000000", "`train.steps`.* 1000000000"),
        ("train.seed=100000000000000000000", "`train.seed`"),
        ("train.ema=1", "`train.ema`.* 1"),
        ("train.samples=1000000", "`train.samples`.* 1000"),
        ("data.patch=1000000", "`data.patch`.* 4096"),
        ("data.batch=10000000", "`data.batch`.* 65536"),
        ("validation.size=1000000", "`validation.size`.* 16384"),
        ("validation.sources=[]", "`validation.sources` must have at least 1 item"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together(recipe, override, message):
    with pytest.raises(ConfigError, match=message):
        load_recipe(recipe.path, [override])


@given(st.integers(1, 2000), st.integers(0, 100))
def test_schedules_stay_within_bounds_and_end_where_they_should(steps, warmup):
    for schedule in (
        Constant(warmup=warmup),
        Cosine(warmup=warmup, final=0.1),
        Steps(warmup=warmup, every=7, gamma=0.5),
    ):
        factors = [schedule.factor(step, steps) for step in range(0, steps, max(1, steps // 20))]
        assert all(0 <= factor <= 1 for factor in factors)
    assert Cosine(final=0.1).factor(steps, steps) == pytest.approx(0.1)


def test_schedule_values():
    assert Cosine().factor(50, 100) == pytest.approx(0.5)
    assert Cosine(warmup=10).factor(4, 100) == pytest.approx(0.5)
    assert Steps(milestones=(10, 20), gamma=0.1).factor(20, 100) == pytest.approx(0.01)
    assert Steps(every=1000, gamma=0.2).factor(2500, 10_000) == pytest.approx(0.04)
    assert math.isclose(Constant().factor(99, 100), 1.0)


def test_sgd_follows_its_formula():
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = Optim(kind="sgd", lr=0.1, momentum=0.5, weight_decay=0.1).build([weight])
    value, velocity = 2.0, 0.0
    for gradient in (1.0, -3.0, 0.5):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.5 * velocity + gradient + 0.1 * value
        value -= 0.1 * velocity
    assert weight.item() == pytest.approx(value, rel=1e-6)


def test_the_former_name_of_fine_tune_from_is_read(recipe):
    recipe.path.write_text(yaml.safe_dump(recipe.values | {"init": "sr-x4"}))
    assert load_recipe(recipe.path).fine_tune_from == "sr-x4"
    with pytest.raises(ConfigError, match="unknown key `init`"):
        load_recipe(recipe.path, ["fine_tune_from=sr-x4-xs"])
