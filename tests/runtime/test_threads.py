"""Threads belong to a session's runs, not to the process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgeir.exporting.run import export
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime.loading import load
from edgeir.runtime.torch import TorchSession


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


class Counting(nn.Module):
    """Notes how many threads there are while it computes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(torch.get_num_threads())
        if len(self.seen) == 2:
            raise RuntimeError("failed")
        return x


@pytest.mark.parametrize("source", ["student", "tflite", "onnx", "ncnn"])
def test_loading_running_and_closing_leave_the_threads_of_the_process(
    source: str, made: Path, three_threads: None
) -> None:
    session = load(made / source, threads=2)
    assert torch.get_num_threads() == 3
    session.run(np.zeros((12, 10, 3), np.float32))
    assert torch.get_num_threads() == 3
    session.close()
    assert torch.get_num_threads() == 3


def test_a_run_has_the_threads_of_its_session_and_gives_them_back_after_an_error(three_threads: None) -> None:
    module = Counting()
    session = TorchSession(module, NetworkFacts(scale=1, receptive_radius=0), name="counting", threads=2)
    image = np.zeros((4, 4, 3), np.float32)
    session.run(image)
    with pytest.raises(RuntimeError, match="failed"):
        session.run(image)
    assert module.seen == [2, 2]
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("target", ["tflite", "onnx", "ncnn"])
def test_an_export_leaves_the_threads_of_the_process(
    target: str, made: Path, tmp_path: Path, three_threads: None
) -> None:
    sizes = [(8, 8)] if target == "tflite" else []
    export(made / "student", target=target, sizes=sizes, out=tmp_path / target, calibration=made / "photos")  # type: ignore[arg-type]
    assert torch.get_num_threads() == 3
