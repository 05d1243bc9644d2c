"""The ladder: what is tried, what is chosen, and what is refused; times are given, so that no machine decides."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime.quantization")

from edgeir.checkpoint.load import load_checkpoint  # noqa: E402
from edgeir.checkpoint.save import save_checkpoint  # noqa: E402
from edgeir.cli.app import main  # noqa: E402
from edgeir.core.assets import find_zoo  # noqa: E402
from edgeir.core.errors import ConfigError  # noqa: E402
from edgeir.exporting.ladder.candidates import trained_candidates  # noqa: E402
from edgeir.exporting.ladder.run import NothingPassed, export_auto  # noqa: E402
from edgeir.exporting.ladder.work import Timed  # noqa: E402
from edgeir.exporting.prove.repeat import prove_again  # noqa: E402
from edgeir.manifest.artifact import read_artifact  # noqa: E402
from edgeir.quantize.network import FakeQuantized  # noqa: E402
from edgeir.quantize.settings import Quantization  # noqa: E402

TIMES = {"int8": 1.0, "int8-mixed": 2.0, "fp16": 3.0, "fp32": 4.0}
LARGE = 50.0
"""Of every precision that has no time above."""


def timer(times):
    def timed(folders):
        plans = [read_artifact(folder)[0].main.precision for folder in folders]
        return "a table", [Timed(times.get(plan, LARGE), times.get(plan, LARGE)) for plan in plans]

    return timed


@pytest.fixture(scope="module")
def checkpoint():
    """A trained network, so that int8 loses something."""
    return find_zoo("sr-x4-xs")


def ladder(checkpoint, out, *, times=TIMES, gate_db=5.0, **options):
    return export_auto(
        checkpoint, target="onnx", gate_db=gate_db, timer=timer(times), out=out, golden=True, **options
    )


def loose(*, db=100.0):
    """Limits that leave the decision to the gate of the ladder."""
    names = ("max_abs_error", "p99_abs_error", "worst_psnr_drop_db", "colour_shift", "extreme_shift")
    return [f"gate.{name}={db}" for name in names]


def test_the_fastest_within_the_gate_is_written_and_all_are_told(checkpoint, tmp_path):
    made = ladder(checkpoint, tmp_path / "a", overrides=loose())
    assert made.main.precision == "int8"
    artifact, _ = read_artifact(tmp_path / "a")
    assert artifact.ladder is not None
    assert artifact.ladder.timed_on == "a table"
    times = [tried.latency_ms for tried in artifact.ladder.tried]
    assert times == sorted(times)
    assert {"int8", "fp16", "fp32"} <= {tried.precision for tried in artifact.ladder.tried}
    # as fast as without training, and it loses less: the zoo has it
    assert [tried.name for tried in artifact.ladder.tried if tried.chosen] == ["onnx-int8, trained"]
    assert all(tried.psnr_drop_db is not None and tried.bytes for tried in artifact.ladder.tried)
    # the gate that chose it is in the manifest
    prove_again(tmp_path / "a", checkpoint=find_zoo("sr-x4-xs-int8"))


@pytest.mark.slow
def test_beyond_the_gate_layers_are_kept_in_float_and_then_another_precision(checkpoint, tmp_path):
    made = ladder(checkpoint, tmp_path / "a", gate_db=0.01, overrides=loose())
    assert made.main.precision not in ("int8",)
    tried = {one.name: one for one in made.ladder.tried}
    assert not tried["onnx-int8"].passed
    assert tried["onnx-int8"].reason.startswith("PSNR lost")
    mixed = [one for one in made.ladder.tried if one.precision == "int8-mixed"]
    assert mixed
    assert all(one.float_layers for one in mixed)


@pytest.mark.slow
def test_of_files_that_take_the_same_time_the_best_is_written(checkpoint, tmp_path):
    equal = dict.fromkeys(TIMES, 1.0) | {"int8": 0.99}
    made = ladder(checkpoint, tmp_path / "a", times=equal, overrides=loose())
    assert made.main.precision in ("fp32", "fp16")
    lost = {one.precision: one.psnr_drop_db for one in made.ladder.tried}
    assert lost[made.main.precision] == min(lost.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"overrides": ["gate.max_abs_error=1e-12"]},
            r"none of \d+ ways to make the file loses at most 5.0 dB",
        ),
        pytest.param(
            {"overrides": loose(), "target_latency_ms": 0.5},
            r"the fastest file within the gate, onnx-int8, trained, takes 1.00 ms",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_where_nothing_passes_the_table_is_told_and_nothing_written(checkpoint, tmp_path, options, message):
    with pytest.raises(NothingPassed, match=message) as refused:
        ladder(checkpoint, tmp_path / "a", **options)
    assert len(refused.value.ladder.tried) >= 3
    assert not any(tried.chosen for tried in refused.value.ladder.tried)
    assert list(tmp_path.iterdir()) == []


def test_the_zoos_network_in_integers_is_tried_for_the_weights_that_it_began_as(checkpoint):
    network, _, _ = load_checkpoint(checkpoint)
    (found,) = trained_candidates("onnx", network, None, ())
    assert (found.name, found.card.name) == ("onnx-int8, trained", "sr-x4-xs-int8")
    with torch.no_grad():
        next(network.parameters()).mul_(1.1)
    assert trained_candidates("onnx", network, None, ()) == []
    assert trained_candidates("onnx", load_checkpoint(find_zoo("sr-x4"))[0], None, ()) == []


@pytest.mark.slow
def test_a_network_trained_in_integers_is_tried_beside_the_others(checkpoint, tmp_path):
    network, _, _ = load_checkpoint(checkpoint)
    integers = FakeQuantized(network, Quantization())
    integers.calibrate(torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0)))
    folder = tmp_path / "trained"
    save_checkpoint(folder, integers, integers.state_dict(), name="xs-int8", metrics={}, provenance={})
    made = ladder(checkpoint, tmp_path / "a", trained=folder, overrides=loose())
    names = [tried.name for tried in made.ladder.tried]
    assert "onnx-int8, trained" in names
    assert len({tried.checkpoint_sha256 for tried in made.ladder.tried}) == 2
    with pytest.raises(ConfigError, match="was not trained in integers"):
        ladder(checkpoint, tmp_path / "b", trained=checkpoint)
    with pytest.raises(ConfigError, match="fine-tuned from another network"):
        ladder("sr-x4", tmp_path / "b", trained=folder)


def test_a_format_that_is_not_timed_here_has_no_ladder(checkpoint, tmp_path):
    with pytest.raises(ConfigError, match=r"Core ML .* files are not timed here"):
        export_auto(checkpoint, target="coreml", gate_db=1.0, timer=timer(TIMES), out=tmp_path / "a")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--gate-db", "0.1"], "--gate-db is for --precision auto"),
        (["--precision", "auto", "--bundle"], "--precision auto writes one file"),
        (["--precision", "auto", "--profile", "onnx-int8"], "tries all profiles of one format"),
        (["--precision", "auto", "--gate-db", "-1"], "must be 0 to 100"),
    ],
)
def test_options_that_do_not_go_together(words, message, checkpoint, tmp_path, capsys):
    out = str(tmp_path / "a")
    assert main(["export", str(checkpoint), "--target", "onnx", "--out", out, *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_prints_the_table_and_fails_where_nothing_is_fast_enough(checkpoint, tmp_path, capsys):
    words = ["export", str(checkpoint), "--target", "onnx", "--precision", "auto", "--gate-db", "5", *loose()]
    assert main([*words, "--out", str(tmp_path / "a"), "--target-latency", "0.000001", "--json", "-q"]) == 2
    printed = capsys.readouterr()
    table = json.loads(printed.out)
    assert {tried["precision"] for tried in table["tried"]} >= {"int8", "fp16", "fp32"}
    assert "takes" in printed.err
    assert list(tmp_path.iterdir()) == []
