"""The runner on this machine, with the x86-64 library out of the Android package: no emulator, the same results."""

import platform

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from edgeir.core.assets import find_zoo
from edgeir.core.errors import ArtifactError, DeviceError
from edgeir.devices.runner.built import library_for, runner_for
from edgeir.devices.runner.library import read_library
from edgeir.devices.runner.process import run_once
from edgeir.devices.runner.session import RunnerSession
from edgeir.devices.runner.toolchain import abi_named
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime.loading import load_file
from edgeir.runtime.session import RemoteSession

pytestmark = pytest.mark.arm64


@pytest.fixture(scope="module")
def words():
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        pytest.skip("the package has no library for this machine")
    abi = abi_named("x86_64")
    try:
        return [str(runner_for(abi)), "--library", str(library_for(abi, read_library("x86_64")[0]))]
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def packaged():
    artifact, folder = read_artifact(find_zoo("sr-x4-xs") / "litert")
    image = np.random.default_rng(0).random((*artifact.main.size, 3), dtype=np.float32)
    return artifact, folder / artifact.main.path, image


def test_a_session_on_the_runner_equals_the_runtime_here(words, packaged):
    artifact, model, image = packaged
    session = RunnerSession(
        [*words, "--model", str(model), "--serve"], model, artifact, artifact.main,
        device="native", title="this machine", limit_s=60, measured=True,
    )  # fmt: skip
    assert isinstance(session, RemoteSession)
    assert session.fixed_size == image.shape[:2]
    here = load_file(model.parent, artifact, artifact.main)
    for picture in (image, image[::-1].copy()):
        assert session.run(picture).tobytes() == here.run(picture).tobytes()
    before, peak = session.memory_mib()
    assert before is None
    assert 5 < peak < 500
    assert session.transport_s > 0
    session.close()
    here.close()


def test_once_it_writes_the_output_and_says_every_run(words, packaged, tmp_path):
    artifact, model, image = packaged
    (tmp_path / "in").write_bytes(image.tobytes())
    files = ["--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    options = ["--model", str(model), "--threads", "2", "--warmup", "2", "--runs", "3", *files]
    said = run_once([*words, *options], model, title="this machine", limit_s=60)
    assert len(said["runs_ms"]) == 3
    assert (said["operators"], said["left"], said["partitions"], said["threads"]) == (14, 0, 1, 2)
    assert said["version"].count(".") == 2
    here = load_file(model.parent, artifact, artifact.main)
    made = np.frombuffer((tmp_path / "out").read_bytes(), np.float32).reshape(here.run(image).shape)
    assert np.array_equal(made, here.run(image))
    here.close()
    options = ["--model", str(model), "--warmup", "0", "--runs", "1", "--budget", "0.3"]
    assert sum(run_once([*words, *options], model, title="here", limit_s=60)["runs_ms"]) >= 300


@pytest.mark.slow
def test_without_xnnpack_no_operator_is_in_it(words, packaged):
    options = ["--model", str(packaged[1]), "--warmup", "0", "--runs", "1", "--no-xnnpack"]
    said = run_once([*words, *options], packaged[1], title="here", limit_s=300)
    assert (said["operators"], said["left"], said["partitions"]) == (14, 14, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "none"], "none: No such file or directory"),
        (["--model", "MODEL", "--input", "SHORT"], "SHORT: has 3 bytes, the input takes 442368"),
        (["--model", "MODEL", "--runs", "0"], "threads and runs are at least 1"),
        (["--model", "MODEL", "--output", "/no/such/folder/out"], "cannot be written"),
        (["--model", "MODEL", "--colour", "red"], "unknown option --colour"),
        (["--model", "SHORT"], "it is no model that the library reads"),
    ],
)
def test_what_it_refuses(words, packaged, tmp_path, options, said):
    model, short = packaged[1], tmp_path / "short"
    short.write_bytes(b"abc")
    names = {"MODEL": str(model), "SHORT": str(short)}
    said = said.replace("SHORT", str(short))
    with pytest.raises(ArtifactError, match=said):
        run_once([*words, *(names.get(word, word) for word in options)], model, title="here", limit_s=60)
