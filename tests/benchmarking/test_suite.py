"""The suites that ship, and what a wrong one says."""

from pathlib import Path

import pytest

from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.assets import list_assets
from edgeir.core.config import dump_yaml, parse
from edgeir.core.errors import ConfigError, DataError

SUPER_RESOLUTION = [
    *(
        f"{name}-x4"
        for name in (
            *("b100", "embedded", "photos-heldout", "set14", "set5"),
            *("shared-photo", "sr", "unknown", "urban100"),
        )
    ),
    "pirm-a",
]
OTHER_SCALES = {"sr-x2": 2, "sr-x3": 3}
DENOISING = [
    f"{name}-awgn{sigma}"
    for name in ("bsd68", "cbsd68", "kodak24", "mcmaster", "set12")
    for sigma in (15, 25, 50, 75)
]
DENOISING.append("kodak24-awgn35")  # of one paper
MIXED = [f"cbsd68-{name}" for name in ("hybrid", "hybrid-mild", "hybrid-severe", "did-hy")]
OTHERS = ["cbsd68-blur", "cbsd68-camera-noise", "cbsd68-haze", "cbsd68-phone", "cbsd68-rain", "sr-zoom2"]
JPEG = [f"{name}-jpeg{quality}" for name in ("classic5", "live1") for quality in (10, 20, 30, 40)]
ENHANCEMENT = ["pirm-b", "pirm-b-heldout"]
PAIRED = ["did-hy", "did-mdn", "gopro", "nyu2-haze", "realsr-x2", "realsr-x3", "realsr-x4", "sidd"]
DIV2K = ["div2k-hybrid", "div2k-hybrid-mild", "div2k-hybrid-severe"]
SUITES = sorted(
    [*SUPER_RESOLUTION, *OTHER_SCALES, *DENOISING, *JPEG, *MIXED, *OTHERS, *ENHANCEMENT, *PAIRED, *DIV2K]
)


def test_the_list_is_complete():
    assert list_assets("suites") == SUITES


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_loads_and_survives_a_round_trip(name, tmp_path):
    suite = load_suite(name)
    assert suite.name == name
    assert suite.scale == (4 if name in SUPER_RESOLUTION else OTHER_SCALES.get(name, 1))
    path = tmp_path / "copy.yaml"
    path.write_text(dump_yaml(suite), encoding="utf-8")
    assert load_suite(path) == suite
    assert Suite.model_validate(suite.model_dump(mode="json")) == suite


def test_protocols():
    assert load_suite("sr-x4").resolved_protocol().model_dump().items() >= {"channel": "y", "crop": 4}.items()
    assert (
        load_suite("pirm-a").resolved_protocol().model_dump().items()
        >= {"channel": "rgb", "crop": 16}.items()
    )


@pytest.mark.parametrize("name", [*DENOISING, *JPEG])
def test_the_level_in_a_suite_s_name_is_its_degradation_s(name):
    suite = load_suite(name)
    level = getattr(suite.degradation, "sigma" if name in DENOISING else "quality")
    assert name.endswith(("awgn" if name in DENOISING else "jpeg") + f"{level:g}")
    assert suite.sets[0].name.lower() == name.split("-")[0]
    assert (suite.resolved_protocol().channel == "rgb") == name.startswith(("cbsd68", "kodak24", "mcmaster"))


def test_track_b_sees_the_output_unclipped():
    suite = load_suite("pirm-b")
    assert suite.resolved_protocol().clip
    assert not suite.resolved_ms_ssim_protocol().clip
    assert not suite.clips
    assert load_suite("pirm-a").clips


def test_the_three_sets_together_are_the_three_alone():
    together = {entry.name: entry for entry in load_suite("sr-x4").sets}
    for name in ("set5-x4", "set14-x4", "b100-x4"):
        (alone,) = load_suite(name).sets
        assert together[alone.name] == alone


def test_pirm_falls_back_to_the_embedded_photographs_and_says_so(monkeypatch):
    monkeypatch.delenv("EDGEIR_DATA", raising=False)
    found = load_suite("pirm-a").sets[0].images()
    assert "not comparable" in found.note
    assert "astronaut" in {ref.name for ref in found.refs}


def test_other_sets_have_no_fallback(monkeypatch):
    monkeypatch.delenv("EDGEIR_DATA", raising=False)
    with pytest.raises(DataError, match="EDGEIR_DATA is not set"):
        load_suite("set5-x4").sets[0].images()


def test_a_misspelt_name():
    with pytest.raises(ConfigError, match="did you mean `set5-x4`"):
        load_suite("set5x4")


def values(**changes):
    base = load_suite("pirm-a").model_dump(mode="json")
    return base | changes


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"protocol": "sir"}, ["there is no protocol `sir`"]),
        ({"metrics": ["ssim"]}, ["`metrics` must have psnr", "needs the metric ms_ssim"]),
        ({"metrics": ["psnr", "mssim"]}, ["did you mean `ssim`"]),
        ({"sets": []}, ["at least 1 item"]),
        ({"ms_ssim_protocol": "pirm-c"}, ["there is no protocol `pirm-c`"]),
        ({"degradation": None}, ["the set `DIV2K`: without a `degradation` every source must be paired"]),
        (
            {"sets": [{"name": "B", "source": {"kind": "pirm-b"}}]},
            ["the set `B`: paired sources are degraded"],
        ),
        ({"degredation": 1}, ["did you mean `degradation`"]),
        ({"timing": {"height": 720, "width": 1280, "baseline": None}}, ["needs timing.baseline srcnn"]),
    ],
)
def test_problems_are_named(changes, messages):
    with pytest.raises(ConfigError) as caught:
        parse(Suite, values(**changes), where=Path("mine.yaml"))
    for message in messages:
        assert message in str(caught.value)


def test_a_set_given_twice():
    suite = load_suite("set5-x4").model_dump(mode="json")
    with pytest.raises(ConfigError, match="the set `Set5` is given twice"):
        parse(Suite, suite | {"sets": suite["sets"] * 2}, where="x")
