"""Frozen networks that bring code: refused without the user's permission, and why a ``.pt2`` file is one of them."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch

from edgeir.core.errors import CheckpointError, ConfigError, UntrustedCodeError
from edgeir.core.trust import trusting_code
from edgeir.models.backbones.digits import StrokeSegmenter
from edgeir.models.backbones.frozen import ImportedModule, Program


class Touch:
    """An object whose unpickling makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def with_pickled_weight(program: Path, made: Path) -> bool:
    """Rewrite a ``.pt2`` file so that reading it makes `made`; False where this torch keeps no index of weights."""
    with zipfile.ZipFile(program) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    index = next((name for name in entries if name.endswith("weights_config.json")), None)
    if index is None:
        return False
    weights = json.loads(entries[index])
    first = next(iter(weights["config"].values()))
    first["use_pickle"] = True
    buffer = io.BytesIO()
    torch.save(Touch(made), buffer)
    entries[index] = json.dumps(weights).encode()
    entries[f"{index.split('/')[0]}/data/weights/{first['path_name']}"] = buffer.getvalue()
    with zipfile.ZipFile(program, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return True


def test_a_program_can_run_code_and_is_not_read_without_permission(tmp_path):
    path, made = tmp_path / "judge.pt2", tmp_path / "made"
    torch.export.save(torch.export.export(StrokeSegmenter().eval(), (torch.rand(1, 3, 8, 8),)), path)
    dangerous = with_pickled_weight(path, made)
    program = Program(weights=str(path))
    for use in (program.check, program.files, program.build):
        with pytest.raises(
            UntrustedCodeError, match=r"judge.pt2: a torch.export program can run .*--trust-code"
        ):
            use()
        assert not made.exists()
    if dangerous:
        with trusting_code(), pytest.raises(CheckpointError):  # None is no weight, but it is too late
            program.build()
        assert made.exists()


def test_what_is_missing_is_said_before_permission_is_asked_for(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        Program(weights=str(tmp_path / "absent.pt2")).check()
    with pytest.raises(ConfigError, match="is not set"):
        Program().check()


def test_an_import_path_needs_permission_and_edgeirs_own_networks_do_not():
    with pytest.raises(
        UntrustedCodeError, match=r"objective.distillation: `torch.nn:Identity` .*another package"
    ):
        ImportedModule(target="torch.nn:Identity").check()
    with pytest.raises(UntrustedCodeError):
        ImportedModule(target="builtins:dict").build()
    ImportedModule(target="edgeir.models.backbones.digits:DigitClassifier").build()
