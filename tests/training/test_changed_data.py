"""Training images that changed, cannot be read or are too small: named as the user knows them."""

import json

import pytest
from PIL import Image

from edgeir.cli.app import main
from edgeir.core.errors import CheckpointError, DataError
from edgeir.data.degrade.noise import AWGN
from edgeir.data.items import labels_of
from edgeir.data.labelled.sources import ClassFolders
from edgeir.data.store.pair_store import open_store
from edgeir.manifest.card import read_card
from edgeir.training.run import distill, train

CUT = ["train.steps=4", "optim.schedule={kind: constant}"]
WHOLE = ["optim.schedule={kind: constant}"]


def images(recipe):
    return sorted((recipe.path.parent / "images").glob("*.png"))


def test_a_run_is_not_resumed_with_other_images_unless_that_is_allowed(recipe, tmp_path, caplog, capsys):
    run = train(recipe.path, overrides=CUT, out=tmp_path / "run").run_dir
    first, *_ = images(recipe)
    sound = first.read_bytes()
    Image.effect_noise((112, 96), 60).convert("RGB").save(first)
    with pytest.raises(
        CheckpointError,
        match="images have changed since the run began .still 3 images, but with other pixels. .restore them",
    ):
        train(recipe.path, overrides=WHOLE, out=run, resume=True)
    Image.effect_noise((112, 96), 60).convert("RGB").save(first.with_name("more.png"))
    command = ["train", str(recipe.path), *WHOLE, "--out", str(run), "--resume", "--quiet"]
    assert main(command) == 2
    assert (
        "the training images have changed since the run began (3 images then, 4 now)"
        in capsys.readouterr().err
    )
    first.with_name("more.png").unlink()
    first.write_bytes(sound)  # another time of change, the same pixels
    assert train(recipe.path, overrides=[*WHOLE, "train.steps=5"], out=run, resume=True).steps == 5
    first.unlink()
    assert main([*command, "--allow-changed-data"]) == 0
    assert read_card(run / "checkpoints" / "last").provenance["images"]["count"] == 2
    again = train(
        recipe.path, overrides=[*WHOLE, "train.steps=9"], out=run, resume=True
    )  # now they are its own
    assert again.steps == 9
    assert "have changed" not in caplog.text


def test_images_moved_elsewhere_are_the_same_images(recipe, tmp_path):
    run = train(recipe.path, overrides=CUT, out=tmp_path / "run").run_dir
    folder = images(recipe)[0].parent
    for index, path in enumerate(images(recipe)):
        path.rename(folder / f"image-{index}.png")
    assert train(recipe.path, overrides=WHOLE, out=run, resume=True).steps == 8


def test_a_run_is_not_resumed_with_another_teacher(recipe, tmp_path):
    teacher = tmp_path / "teacher"
    train(recipe.path, overrides=["train.steps=1"], out=teacher)
    settings = {"teacher": str(teacher), "methods": [{"kind": "output"}]}
    recipe(objective={"distillation": settings})
    run = distill(recipe.path, overrides=CUT, out=tmp_path / "run").run_dir
    recipe()
    train(recipe.path, overrides=["train.steps=2"], out=teacher, overwrite=True)
    recipe(objective={"distillation": settings})
    with pytest.raises(
        CheckpointError, match=f"the teacher {teacher} has other weights than when the run began"
    ):
        distill(recipe.path, overrides=WHOLE, out=run, resume=True)


@pytest.mark.parametrize("damage", ["text", "cut", "empty"])
def test_an_image_that_cannot_be_read_is_named_or_left_out(recipe, tmp_path, damage, capsys, same_weights):
    _, broken, _ = images(recipe)
    sound = broken.read_bytes()
    validation = recipe.values["validation"] | {"sources": [{"kind": "embedded"}]}
    recipe(validation=validation)
    data = {"text": b"no image at all", "cut": sound[: len(sound) // 2], "empty": b""}[damage]
    broken.write_bytes(data)
    with pytest.raises(DataError, match=f"^{broken}: "):
        train(recipe.path, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    result = train(recipe.path, overrides=["data.on_error=skip"], out=tmp_path / "run")
    assert (result.images, len(result.unreadable)) == (3, 1)
    assert str(broken) in result.unreadable[0]
    command = ["train", str(recipe.path), "data.on_error=skip", "--out", str(tmp_path / "again")]
    assert main(command) == 0
    shown = capsys.readouterr()
    assert f"note: 1 of 3 images could not be read and were not used, the first: {broken}: " in shown.out
    assert f"edgeir: left out: {broken}: " in shown.err
    broken.unlink()
    without = train(recipe.path, out=tmp_path / "without")
    same_weights(result.run_dir, without.run_dir)


def test_on_error_may_differ_when_a_run_is_resumed(recipe, tmp_path):
    run = train(recipe.path, overrides=CUT, out=tmp_path / "run").run_dir
    assert train(recipe.path, overrides=[*WHOLE, "data.on_error=skip"], out=run, resume=True).steps == 8


def test_no_image_that_can_be_read_or_that_is_large_enough_names_the_users_folder(recipe, tmp_path):
    folder = images(recipe)[0].parent
    recipe(validation=recipe.values["validation"] | {"sources": [{"kind": "embedded"}]})
    with pytest.raises(DataError, match=f"^folder {folder}: no image is large enough for 400x400 patches"):
        train(recipe.path, overrides=["data.patch=100"], out=tmp_path / "run")
    for path in images(recipe):
        path.write_bytes(b"")
    with pytest.raises(DataError, match=f"^folder {folder}: none of the 3 images can be read$"):
        train(recipe.path, overrides=["data.on_error=skip"], out=tmp_path / "run")


def test_labels_stay_with_their_images_when_one_is_left_out(recipe, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        Image.new("RGB", (16, 16), (10 * ord(name[0]) % 256, 0, 0)).save(
            tmp_path / "classes" / name / "x.png"
        )
    (tmp_path / "classes" / "b" / "x.png").write_bytes(b"")
    source = ClassFolders(path=str(tmp_path / "classes"))
    noise = AWGN(sigma=25.0)
    store = open_store([source], noise, on_error="skip", root=tmp_path / "cache")
    plane = labels_of([source], noise, (1.0,), [record.size for record in store.records], store.kept)
    assert [int(plane(index)[0, 0, 0]) for index in range(len(store))] == [0, 2]
    index = json.loads((store.folder / "index.json").read_text())
    assert [entry["item"] for entry in index["skipped"]] == [1]
