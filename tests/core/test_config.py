"""Configuration: every problem at once, each with its key and a suggestion; overrides; YAML round trip."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from edgeir.core.config import Config, apply_overrides, dump_yaml, parse, read_yaml
from edgeir.core.errors import ConfigError


class Adam(Config):
    kind: Literal["adam"] = "adam"
    lr: float = Field(1e-3, gt=0)


class Momentum(Config):
    kind: Literal["momentum"] = "momentum"
    lr: float = Field(1e-2, gt=0)
    momentum: float = 0.9


class Settings(Config):
    name: str
    steps: int = Field(10, ge=1)
    optim: Annotated[Adam | Momentum, Field(discriminator="kind")] = Adam()
    sizes: tuple[int, ...] = ()


def problems(values: object) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(Settings, values, where="recipe.yaml")
    return caught.value.problems


def test_every_problem_is_reported_at_once_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Settings, {"stpes": 5, "steps": 0, "optim": {"kind": "adam", "lrr": 1}}, where="recipe.yaml")
    error = caught.value
    assert len(error.problems) == 4
    assert str(error).startswith("recipe.yaml: 4 problems: ")
    assert "\n" not in str(error)
    joined = "; ".join(error.problems)
    assert "`name` is missing" in joined
    assert "unknown key `stpes`, did you mean `steps`?" in joined
    assert "unknown key `optim.lrr`, did you mean `lr`?" in joined
    assert "`steps`" in joined


def test_an_unknown_key_without_a_near_one_lists_the_known_ones() -> None:
    (problem,) = problems({"name": "x", "zzz": 1})
    assert problem == "unknown key `zzz`, known keys: name, optim, sizes, steps"


def test_a_wrong_tag_lists_the_tags_and_suggests_one() -> None:
    (problem,) = problems({"name": "x", "optim": {"kind": "adma"}})
    assert problem == "`optim.kind` must be one of adam, momentum, not `adma`, did you mean `adam`?"


def test_a_missing_tag_names_the_tag() -> None:
    (problem,) = problems({"name": "x", "optim": {"lr": 1.0}})
    assert problem == "`optim.kind` is missing"


def test_a_wrong_value_names_key_rule_and_value() -> None:
    (problem,) = problems({"name": "x", "optim": {"kind": "momentum", "lr": -1.0}})
    assert problem == "`optim.lr` must be greater than 0, not `-1.0`"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(value: float) -> None:
    (problem,) = problems({"name": "x", "optim": {"kind": "adam", "lr": value}})
    assert problem.startswith("`optim.lr`")


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_something_that_is_no_mapping_is_refused(values: object) -> None:
    (problem,) = problems(values)
    assert problem.startswith("must be a mapping of keys to values, not ")


def test_a_configuration_cannot_be_changed() -> None:
    settings = Settings(name="x")
    with pytest.raises(ValidationError, match="frozen"):
        settings.steps = 3  # type: ignore[misc]


class Disk(Config):
    kind: Literal["disk"] = "disk"
    name: Literal["Set5", "Set14"] = "Set5"
    sigma: float | tuple[float, float] = 0.0


class Web(Config):
    kind: Literal["web"] = "web"


class Frames(Config):
    kind: Literal["frames"] = "frames"
    every: int = 1


AnyInput = Annotated[Disk | Web | Frames | Adam, Field(discriminator="kind")]


class Mixture(Config):
    renamed: ClassVar[dict[str, str]] = {"inputs": "sources"}

    sources: tuple[AnyInput, ...] = Field((), min_length=1)
    pair: tuple[int, ...] = Field((1, 2), min_length=2)

    @model_validator(mode="after")
    def _no_web(self) -> Mixture:
        if any(isinstance(source, Web) for source in self.sources):
            raise ValueError("Web images are not allowed")
        return self


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"sources": [{"kind": "web"}, {"kind": "disk", "name": "Set6"}]},
            ["`sources.1.name` must be one of Set5, Set14, not `Set6`, did you mean `Set5`?"],
        ),
        (
            {"sources": [{"kind": "frames", "evry": 2, "every": "x"}]},
            [
                "`sources.0.every` must be a whole number, not `x`",
                "unknown key `sources.0.evry`, did you mean `every`?",
            ],
        ),
        (
            {"sources": [{"kind": "fames"}]},
            ["`sources.0.kind` must be one of disk, web, frames, adam, not `fames`, did you mean `frames`?"],
        ),
        ({"sources": [{"name": "Set5"}]}, ["`sources.0.kind` is missing"]),
        ({"sources": [3]}, ["`sources.0` must be a mapping of keys to values, not `3`"]),
        ({"sources": []}, ["`sources` must have at least 1 item, not 0"]),
        (
            {"sources": [{"kind": "web"}], "pair": ["x"]},
            [
                "`pair.0` must be a whole number, not `x`",
                "`pair` must have at least 2 items, not 1",
            ],
        ),
        (
            {"sources": [{"kind": "disk", "sigma": "x"}]},
            ["`sources.0.sigma` must be a number, not `x`"],
        ),
        ({"sources": [{"kind": "disk", "sigma": None}]}, ["`sources.0.sigma` must be a number, not `None`"]),
        (
            {"sources": [{"kind": "disk", "sigma": [1, "x"]}]},
            ["`sources.0.sigma.1` must be a number, not `x`"],
        ),
        (
            {"sources": [{"kind": "disk", "sigma": [1, 2, 3]}]},
            ["`sources.0.sigma` must have at most 2 items, not 3"],
        ),
        ({"sources": [{"knid": "web"}]}, ["unknown key `sources.0.knid`, did you mean `kind`?"]),
        (
            {"sources": [{"kind": "disk", "frames": 1}]},
            ["unknown key `sources.0.frames`, did you mean `name`?"],
        ),
        ({"inputs": []}, ["unknown key `inputs`, which is called `sources` now"]),
        ({"sources": [{"kind": "web"}]}, ["Web images are not allowed"]),
        ({"tagged-union[": 1}, ["unknown key `tagged-union[`, known keys: pair, sources"]),
    ],
)
def test_of_a_union_the_branch_that_was_meant_is_reported(
    values: dict[str, Any], expected: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Mixture, values, where="recipe.yaml")
    assert list(caught.value.problems) == expected


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
optims = st.one_of(
    st.builds(Adam, lr=st.floats(1e-12, 1e12)),
    st.builds(Momentum, lr=st.floats(1e-12, 1e12), momentum=st.floats(-1e6, 1e6)),
)


@given(
    st.builds(
        Settings, name=names, steps=st.integers(1, 10**12), optim=optims, sizes=st.tuples(st.integers())
    )
)
def test_yaml_round_trip_is_exact(settings: Settings) -> None:
    import yaml

    assert parse(Settings, yaml.safe_load(dump_yaml(settings)), where="round trip") == settings


def test_overrides_reach_sections_lists_and_new_keys() -> None:
    values = {"name": "x", "optim": {"kind": "adam", "lr": 0.1}, "sizes": [1, 2]}
    changed = apply_overrides(values, ["optim.lr=1e-4", "sizes.1=7", "steps=5", "train.ema=0.9", "note="])
    assert changed == {
        "name": "x",
        "optim": {"kind": "adam", "lr": changed["optim"]["lr"]},
        "sizes": [1, 7],
        "steps": 5,
        "train": {"ema": 0.9},
        "note": None,
    }
    assert parse(Settings, {"name": "x", "optim": changed["optim"]}, where="x").optim.lr == 1e-4
    assert values["optim"] == {"kind": "adam", "lr": 0.1}, "the original must stay as it was"


def test_all_malformed_overrides_are_reported() -> None:
    with pytest.raises(ConfigError) as caught:
        apply_overrides({"sizes": [1], "name": "x"}, ["lr", "=3", "sizes.4=1", "name.first=y", "a={"])
    assert len(caught.value.problems) == 5
    joined = str(caught.value)
    assert "`lr` must look like a.b=value" in joined
    assert "`sizes` has 1 entries, so `4` is no index of it" in joined
    assert "`name` is a value, not a section" in joined
    assert "`{` is not a YAML value" in joined


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "is not valid YAML"),
        (b"- 1\n- 2\n", "must be a mapping of keys to values, not list"),
        (b"", "must be a mapping"),
        (b"a: 1\na: 2\n", "the key `a` is given twice"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
    ],
)
def test_a_damaged_yaml_file_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_yaml_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(tmp_path / "none.yaml")


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | names,
    lambda inner: st.dictionaries(names, inner),
    max_leaves=6,
)


@settings(max_examples=40)
@given(nested)
def test_no_value_makes_parse_fail_in_another_way(values: Any) -> None:
    with pytest.raises(ConfigError) if not isinstance(values, dict) else contextlib.suppress(ConfigError):
        parse(Settings, values, where="anything")


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(["sources", "pair", "tagged-union["]), nested | st.lists(nested, max_size=3)
    )
)
def test_nor_where_there_are_unions(values: Any) -> None:
    with contextlib.suppress(ConfigError):
        parse(Mixture, values, where="anything")
