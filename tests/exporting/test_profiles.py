"""Every shipped profile is valid and is what its name says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from edgeir.core.assets import list_assets
from edgeir.core.config import dump_yaml
from edgeir.core.errors import ConfigError
from edgeir.exporting.bundle.export import export_bundle
from edgeir.exporting.profile import AnyTarget, ExportProfile, read_profile
from edgeir.exporting.run import export
from edgeir.quantize.names import PLAN_NAMES
from edgeir.runtime.catalog import runtime_names, target_names, written_targets


@pytest.mark.parametrize("entry", written_targets(), ids=target_names())
def test_a_targets_settings_are_those_of_the_catalog_and_survive_yaml(entry) -> None:
    target = entry.settings()
    assert target.model_fields["kind"].default == entry.name
    assert entry.runtime in runtime_names()
    for precision in PLAN_NAMES:
        config = target(precision=precision)
        assert config.precision.name == precision
        again = TypeAdapter(AnyTarget).validate_python(yaml.safe_load(dump_yaml(config)))
        assert type(again) is target
        assert again == config


NOT_MADE = {
    "onnx-dynamic",
    "onnx-int16x8",
    "ort-fp16",
    "ort-dynamic",
    "ort-int16x8",
    "coreml-dynamic",
    "coreml-int8-tensor",
    "coreml-int16x8",
    "ncnn-w8",
    "ncnn-dynamic",
    "ncnn-int16x8",
}
"""Precisions that a target does not write."""


def test_there_is_one_profile_for_each_target_and_precision() -> None:
    wanted = {f"{target}-{precision}" for target in target_names() for precision in PLAN_NAMES}
    assert wanted - NOT_MADE <= set(list_assets("profiles"))
    assert not NOT_MADE & set(list_assets("profiles"))


@pytest.mark.parametrize("name", sorted(NOT_MADE))
def test_what_is_not_made_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    target, _, precision = name.partition("-")
    with pytest.raises(
        ConfigError, match=rf"{target} is not written in {precision}: .+choose another --prec"
    ) as caught:
        export("sr-x4-xs", target=target, precision=precision, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=f"{target} is not written in {precision}: "):
        export_bundle("sr-x4-xs", targets=[target], precisions=[precision], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", list_assets("profiles"))
def test_a_profile_makes_what_its_name_says(name: str) -> None:
    profile = read_profile(name)
    assert name.startswith(f"{profile.target.kind}-{profile.target.precision.name}")


@pytest.mark.parametrize("name", list_assets("profiles"))
def test_a_gate_of_fp32_is_tight_and_none_lets_a_tint_pass(name: str) -> None:
    profile = read_profile(name)
    assert profile.gate.colour_shift <= 0.25
    assert profile.gate.extreme_shift <= 2.5, "a white that comes out gray is no detail"
    if profile.target.precision.name == "fp32":
        winograd = profile.target.kind == "ncnn"  # whose kernels round more, up to 3.1e-5 on RCAN
        assert profile.gate.max_abs_error <= (1e-4 if winograd else 1e-5)


def test_every_problem_of_a_profile_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "target: {kind: tflite, presicion: int8}\ngate: {max_abs_error: -1, p99_abs_error: 1, "
        "psnr_drop_db: 0, worst_psnr_drop_db: 0, colour_shift: 1, "
        "extreme_shift: 1}\n"
    )
    with pytest.raises(ConfigError) as caught:
        read_profile(path)
    assert len(caught.value.problems) == 2
    assert "did you mean `precision`" in str(caught.value)
    assert "gate.max_abs_error" in str(caught.value)


def test_an_unknown_profile_lists_those_there_are() -> None:
    with pytest.raises(ConfigError, match="tflite-int8"):
        read_profile("tflite-int9")


def test_every_field_of_a_profile_is_documented() -> None:
    import ast
    import inspect

    from edgeir.exporting import profile
    from edgeir.exporting.targets.litert import target as litert
    from edgeir.exporting.targets.ncnn import target as ncnn
    from edgeir.exporting.targets.onnx import target as onnx
    from edgeir.manifest import parity
    from edgeir.quantize import plan

    for module in (litert, ncnn, onnx, parity, plan, profile):
        for node in ast.parse(inspect.getsource(module)).body:
            if not isinstance(node, ast.ClassDef) or not any(
                getattr(b, "id", "") == "Config" for b in node.bases
            ):
                continue
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and getattr(field.target, "id", "") != "kind":
                    documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                    assert documented, f"{node.name}.{getattr(field.target, 'id', '')}"
    assert ExportProfile.model_fields
