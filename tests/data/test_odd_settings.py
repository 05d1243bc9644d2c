"""Settings at the ends of what is allowed, paths that cannot be, and former names of keys."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from edgeir.benchmarking.suite import ImageSet
from edgeir.core.config import parse
from edgeir.core.errors import ConfigError, DataError
from edgeir.data.degrade import AWGN, AnyDegradation, Bicubic, Degradation
from edgeir.data.items import items_of, scale_of
from edgeir.data.locate import resolve_path
from edgeir.data.paired.published import DIDMDN
from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.training.recipe import load_recipe

ENDS = [0, 1, 2, 4, 10, 100, 200, 1000, 1e-300, 1e-4, 0.49, 80]
DEGRADATIONS = typing.get_args(typing.get_args(AnyDegradation)[0])


def accepted(degradation: type[Degradation], settings: dict[str, Any]) -> Degradation | None:
    try:
        return degradation(**settings)
    except ValidationError:
        return None


@pytest.mark.parametrize("kind", DEGRADATIONS, ids=lambda kind: kind.model_fields["kind"].default)
def test_every_degradation_computes_at_the_ends_of_its_settings(kind: type[Degradation]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    tried = 0
    for name in kind.model_fields:
        ends = [accepted(kind, {name: end}) for end in ENDS]
        for degradation in [one for one in ends if one is not None]:
            result = degradation.degrade(image, np.random.default_rng(0))
            assert np.isfinite(result).all()
            assert result.shape[0] == 24 // degradation.scale
            tried += 1
    assert tried or not set(kind.model_fields) - {"kind", "level", "choices", "shares"}


@pytest.mark.parametrize(
    "path", ["~nobody-of-this-name/x", "x" * 5000, "\0", "a/" * 3000], ids=["user", "long", "nul", "deep"]
)
@pytest.mark.parametrize("root", [None, "data"])
def test_a_path_that_cannot_be_is_one_line(
    path: str, root: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if root is not None:
        monkeypatch.setenv("EDGEIR_DATA", str(tmp_path / root))
    with pytest.raises(DataError, match="no such folder|no such user") as caught:
        resolve_path(path)
    assert "\n" not in str(caught.value)


def test_a_data_folder_of_no_user_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEIR_DATA", "~nobody-of-this-name/data")
    with pytest.raises(DataError, match="no such user"):
        resolve_path("images")


def test_an_image_that_is_shrunk_to_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0.01"):
        Folder(path="x", rescale=(0.0001,))
    Image.new("RGB", (40, 8)).save(tmp_path / "thin.png")
    item = items_of([Folder(path=str(tmp_path), rescale=(0.05,))], AWGN(), [1.0])[0]
    with pytest.raises(DataError, match=r"thin.png: the image of 8x40 pixels, shrunk by 0.05, has none left"):
        item.load()


@pytest.mark.parametrize("degradation", [None, Bicubic()])
def test_no_source_is_refused(degradation: Bicubic | None) -> None:
    with pytest.raises(ConfigError, match="there must be at least one source"):
        scale_of([], degradation)
    assert scale_of([Embedded()], Bicubic()) == 4


def test_the_former_name_of_a_key_is_refused_with_the_new_one() -> None:
    source = {"kind": "did-mdn", "then": {"kind": "blur-noise-jpeg"}}
    with pytest.raises(ConfigError) as caught:
        parse(ImageSet, {"name": "a", "source": source}, where="suite")
    assert caught.value.problems == ("unknown key `source.then`, which is called `extra_degradation` now",)


def test_files_that_edgeir_wrote_with_the_former_default_are_read() -> None:
    again = parse(ImageSet, {"name": "a", "source": {"kind": "did-mdn", "then": None}}, where="suite")
    assert again.source == DIDMDN()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.sources=[]", "`data.sources` must have at least 1 item, not 0"),
        ("data.degradation.sigma=1e30", "`data.degradation.sigma` must be at most 1000"),
        ("data.degradation.sigma=[5, 1e300]", "`data.degradation.sigma` must be at most 1000"),
        ("data.degradation.sigma=[5]", "`data.degradation.sigma.1` is missing"),
        ("model.width=1000000000000000000000000000000", "`model.width` must be less than or equal to 4096"),
        ("data.sources.0.weight=1e300", "`data.sources.0.weight` must be less than or equal to 1000000"),
        (
            "objective.losses=[{kind: l1, weight: 1e300}]",
            "`objective.losses.0.weight` must be less than or equal",
        ),
    ],
)
def test_an_enormous_value_is_one_line(change: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_recipe("denoising/dncnn-small", [change])
    assert len(caught.value.problems) == 1, caught.value.problems
    assert message in str(caught.value)
