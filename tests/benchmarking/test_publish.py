"""Zoo entries: the network is the same, the card says where everything comes from, and what is refused."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter

from edgeir.benchmarking.publish import ZooNotes, publish
from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.suite import ImageSet, Suite
from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.errors import CheckpointError, ConfigError, DataError, EdgeIRError, OutputError
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.sources.folder import Folder
from edgeir.models import AnyModel, PlainSRConfig

NOTES = ZooNotes(about="A test.", licence="Apache-2.0", citations=("Somebody, 2020",))
RECIPE = {
    "about": "the recipe's words",
    "data": {"sources": [{"kind": "standard", "name": "T91", "weight": 1.0}]},
}


def save(folder, network, **provenance):
    save_checkpoint(folder, network, network.state_dict(), name="x", metrics={}, provenance=provenance)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return PlainSRConfig(channels=4, blocks=1).build().eval()


@pytest.fixture
def run(tmp_path, network):
    """A run folder: its last checkpoint is another network than its best."""
    save(tmp_path / "run" / "checkpoints" / "last", network, recipe=RECIPE, steps=7)
    save(
        tmp_path / "run" / "checkpoints" / "best", PlainSRConfig(channels=4, blocks=2).build(), recipe=RECIPE
    )
    return tmp_path / "run"


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 44, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    sets = (ImageSet(name="one", source=Folder(path=str(tmp_path / "images"))),)
    return Suite(name="mine", title="one", sets=sets, degradation=Bicubic(scale=4), protocol="sr-x4")


def test_one_set_degraded_by_two_suites_has_two_figures_on_the_card(run, suite, tmp_path):
    blurred = suite.model_copy(
        update={"name": "mine-pillow", "degradation": Bicubic(scale=4, flavour="pillow")}
    )
    places = {"zoo": tmp_path / "zoo", "results": tmp_path / "results"}
    notes = NOTES.model_copy(update={"use": "enlarge x4"})
    card = publish(run, "tiny-x4", **places, notes=notes, suites=[suite, blurred]).card
    assert list(card.metrics) == ["mine", "mine-pillow"]
    assert card.metrics["mine"]["psnr_db"] != card.metrics["mine-pillow"]["psnr_db"]
    assert card.provenance["use"] == "enlarge x4"


def test_an_entry_is_the_network_fused_measured_and_described(run, network, suite, tmp_path):
    made = publish(
        run, "tiny-x4", zoo=tmp_path / "zoo", results=tmp_path / "results", notes=NOTES, suites=[suite]
    )
    assert made.folder == tmp_path / "zoo" / "tiny-x4"
    entry, card, _ = load_checkpoint(made.folder)
    assert card == made.card
    x = torch.rand(1, 3, 9, 8)
    with torch.no_grad():
        assert torch.allclose(entry(x), network(x), atol=1e-5)
    assert card.parameters < sum(parameter.numel() for parameter in network.parameters())
    assert card.name == "tiny-x4"
    assert card.provenance == {
        "about": "A test.",
        "licence": "Apache-2.0",
        "training_data": "standard T91",
        "citations": ["Somebody, 2020"],
        "recipe": RECIPE,
        "steps": 7,
    }
    (path,) = made.results
    assert path == tmp_path / "results" / "zoo-tiny-x4-mine.json"
    assert read_result(path).rows[0].model == "tiny-x4"
    figures = card.metrics["one"]
    (measured,) = evaluate(made.folder, suite, runtime="torch")["rows"][0]["quality"]["sets"]
    assert figures["psnr_db"] == pytest.approx(measured["psnr_db"], abs=5e-5)
    assert figures["protocol"]["round_y"] is False
    assert (figures["images"], figures["from"]) == (1, "zoo-tiny-x4-mine.json")


def test_an_entry_published_again_keeps_its_weights_and_words(run, tmp_path):
    first = publish(run, "tiny", zoo=tmp_path / "zoo", results=tmp_path, notes=NOTES)
    second = publish(first.folder, "tiny", zoo=tmp_path / "zoo", results=tmp_path, overwrite=True)
    assert second.card == first.card
    third = publish(
        first.folder,
        "tiny",
        zoo=tmp_path / "zoo",
        results=tmp_path,
        overwrite=True,
        notes=ZooNotes(licence="MIT"),
    )
    assert third.card.provenance["licence"] == "MIT"
    assert third.card.provenance["about"] == "A test."


def test_what_is_missing_or_wrong_is_one_line(run, network, suite, tmp_path):
    places = {"zoo": tmp_path / "zoo", "results": tmp_path / "results"}
    with pytest.raises(ConfigError, match=r"the card needs `licence`.*pass --licence"):
        publish(run, "tiny", **places)
    save(tmp_path / "bare", network)
    with pytest.raises(ConfigError, match="2 problems: .*pass --about and --licence"):
        publish(tmp_path / "bare", "tiny", **places)
    for name in ("../x", "Tiny", "", "a b", ".hidden"):
        with pytest.raises(ConfigError, match="must be lower-case letters"):
            publish(run, name, **places, notes=NOTES)
    with pytest.raises(CheckpointError, match="is neither a file, a folder nor a network"):
        publish(tmp_path / "none", "tiny", **places, notes=NOTES)
    with pytest.raises(ConfigError, match="there is no suite"):
        publish(run, "tiny", **places, notes=NOTES, suites=["nothing-x9"])
    missing = suite.model_copy(
        update={"name": "gone", "sets": (ImageSet(name="x", source=Folder(path=str(tmp_path / "gone"))),)}
    )
    with pytest.raises(DataError):
        publish(run, "tiny", **places, notes=NOTES, suites=[suite, missing])
    assert not (tmp_path / "zoo").exists()
    assert not (tmp_path / "results").exists()  # nothing of a measurement that was not finished
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "zoo-tiny-mine.json").write_text(json.dumps({}))
    with pytest.raises(OutputError, match="zoo-tiny-mine.json: the output exists already"):
        publish(run, "tiny", **places, notes=NOTES, suites=[suite])
    (tmp_path / "zoo" / "tiny").mkdir(parents=True)
    (tmp_path / "zoo" / "tiny" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="edgeir did not write it"):
        publish(run, "tiny", **places, notes=NOTES, overwrite=True)
    (tmp_path / "zoo" / "tiny" / "thesis.txt").unlink()
    publish(run, "tiny", **places, notes=NOTES)
    with pytest.raises(OutputError, match="exists already"):
        publish(run, "tiny", **places, notes=NOTES)


def test_an_auto_encoder_is_no_zoo_entry(tmp_path):
    small = {"widths": [8, 8], "blocks": 1, "bottom_blocks": 1}
    settings = {"kind": "danet-autoencoder", "encoder": small, "decoder": small}
    save(tmp_path / "auto", TypeAdapter(AnyModel).validate_python(settings).build())
    with pytest.raises(CheckpointError, match="restores nothing"):
        publish(tmp_path / "auto", "tiny", zoo=tmp_path, results=tmp_path, notes=NOTES)


def test_a_file_that_is_refused_leaves_nothing_behind(run, suite, tmp_path):
    places = {"zoo": tmp_path / "zoo", "results": tmp_path / "results"}
    with pytest.raises(EdgeIRError):
        publish(
            run, "tiny-x4", **places, notes=NOTES, suites=[suite], file_size=(16, 16), file_precision="int9"
        )
    assert not places["zoo"].exists()
    assert not places["results"].exists()
    made = publish(
        run, "tiny-x4", **places, notes=NOTES, suites=[suite], file_size=(16, 16), file_precision="fp16"
    )
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "card.json",
        "litert",
        "weights.safetensors",
    ]
    assert (made.folder / "litert" / "model.tflite").is_file()
