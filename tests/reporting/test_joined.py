"""Rows of any devices in one table: what is joined, what is on the front of its device, what the page says."""

import html
import json
import re

import pytest

from edgeir.benchmarking.result import GoldenScore, write_result
from edgeir.cli.app import main
from edgeir.core.errors import ConfigError
from edgeir.devices.device import DeviceFacts
from edgeir.reporting.html import page
from edgeir.reporting.joined import joined_rows
from edgeir.reporting.joined_table import columns_of, joined_markdown
from edgeir.reporting.run import report

PHONE = DeviceFacts(device="phone:1", title="A <phone>", runtime="TensorFlow Lite 2.16", system="Android 14")
EMULATED = DeviceFacts(
    device="android-arm64:a76", title="Emulated, A76", runtime="TensorFlow Lite 2.16", emulated=True
)


@pytest.fixture
def elsewhere(result, make):
    """The result of a phone and an emulated one, on the same images."""

    def on(facts, model, p50, psnr, **more):
        row = make(model, p50, psnr, runtime=facts.device, precision=more.pop("precision", "fp32"))
        name = f"{row.name} tflite {row.precision}"
        return row.model_copy(update={"device": facts, "name": name, "pirm": None, **more})

    rows = (
        on(PHONE, "student-s", 5.0, 30.9, details={"sustained_last_ms": 9.5}, placed="9 of 9 in XNNPACK"),
        on(PHONE, "student-l", 50.0, 31.5, details={"sustained_last_ms": True}),
        on(PHONE, "slow", 51.0, 31.5001, golden=GoldenScore(psnr_db=20.0, max_abs_error=0.3, right=False)),
        on(PHONE, "SRCNN", 400.0, None),
        on(EMULATED, "student-s", None, 30.9, instructions={"total": 150_000_000}),
        on(EMULATED, "student-s", None, 30.8, precision="int8", instructions={"total": 151_000_000}),
        on(EMULATED, "student-l", None, None, instructions={"total": 10}),
    )
    return result.model_copy(update={"rows": rows, "timing": None, "name": "phones"})


def shown(rows):
    return {(row.row.model, row.row.precision, row.device.partition(":")[0]): row for row in rows}


def test_rows_of_all_devices_with_what_tells_where_they_ran(result, elsewhere):
    rows = joined_rows([result, elsewhere], ["here", "phones"])
    assert len(rows) == 6 + 7  # bicubic neither ran nor was counted
    assert [row.device for row in rows] == sorted(row.device for row in rows)
    found = shown(rows)
    here = found["student-s", "int8", "here"]
    assert (here.source, here.target, here.size) == ("here", "tflite", "1280x720")
    assert here.device == "here: A <fast> & good CPU | x"
    assert here.runtime == "LiteRT"  # the result does not say its version
    phone = found["student-s", "fp32", "phone"]
    assert (phone.source, phone.runtime, phone.sustained_ms) == ("phones", "TensorFlow Lite 2.16", 9.5)
    assert found["student-l", "fp32", "phone"].sustained_ms is None
    counted = found["student-s", "fp32", "android-arm64"]
    assert (counted.emulated, counted.cost, counted.size) == (True, 150_000_000.0, "")
    assert counted.target == "tflite"
    checkpoint = result.rows[0].model_copy(update={"runtime": "torch"})
    odd = result.rows[0].model_copy(update={"runtime": "mystery"})
    rows = joined_rows([result.model_copy(update={"rows": (checkpoint, odd)})], ["x"])
    assert {row.target for row in rows} == {"checkpoint", "–"}
    named = result.rows[0].model_copy(update={"target": "ort", "runtime": "onnxruntime"})
    (row,) = joined_rows([result.model_copy(update={"rows": (named,)})], ["x"])
    assert row.target == "ort"


def test_the_front_is_that_of_one_device_one_size_and_one_set_of_images(result, elsewhere):
    rows = joined_rows([result, elsewhere], ["here", "phones"])
    front = {key for key, row in shown(rows).items() if row.on_front}
    assert front == {
        ("student-s", "int8", "here"),
        ("student-s", "fp32", "here"),
        ("student-l", "fp32", "here"),
        ("student-s", "fp32", "phone"),
        ("student-l", "fp32", "phone"),  # the slow one is better by less than a thousandth of a decibel
        ("student-s", "fp32", "android-arm64"),
    }
    larger = elsewhere.rows[5].model_copy(update={"output_size": (1440, 2560)})
    changed = elsewhere.model_copy(update={"rows": (elsewhere.rows[4], larger)})
    rows = joined_rows([changed], ["x"])
    assert [row.size for row in rows] == ["", "2560x1440"]
    assert all(row.on_front for row in rows)  # of another size
    other = elsewhere.rows[1].quality.sets[0].model_copy(update={"name": "Set14"})
    quality = elsewhere.rows[1].quality.model_copy(update={"sets": (other,)})
    row = elsewhere.rows[2].model_copy(update={"quality": quality})
    changed = elsewhere.model_copy(update={"rows": (elsewhere.rows[1], row)})
    assert all(row.on_front for row in joined_rows([changed], ["x"]))  # of other images


def test_columns_are_those_that_a_row_fills(result, elsewhere):
    titles = [column.title for column in columns_of(joined_rows([result], ["x"]))]
    assert "sustained" not in titles
    assert "G instr." not in titles
    assert {"p50 ms", "p99", "first", "PIRM A", "PIRM B", "PIRM C", "peak MiB", "file KiB"} <= set(titles)
    titles = [column.title for column in columns_of(joined_rows([elsewhere], ["x"]))]
    assert {"sustained", "G instr.", "golden dB", "where operators ran"} <= set(titles)
    assert "PIRM A" not in titles


def test_the_page_has_every_row_with_its_link_and_what_it_sorts_by(result, elsewhere):
    text = page([result, elsewhere], names=["here", "pho nes"], headings=["a", "b"])
    section = text.partition('<section class="joined"')[2].partition("</section>")[0]
    body = section.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = body.strip().split("\n")
    assert len(rows) == 13
    assert sum('href="pho%20nes.json"' in row for row in rows) == 7
    assert sum('class="front"' in row for row in rows) == 6
    (slow,) = [row for row in rows if ">slow<" in row]
    assert 'data-v="51.0"' in slow
    assert "20.0, WRONG" in slow
    assert "A <phone>" not in section
    assert html.escape("phone:1: A <phone>") in section
    heads = section.partition("<thead>")[2].partition("</thead>")[0]
    assert heads.count("<th ") == len(re.findall(r"<t[hd]", rows[0]))
    assert 'aria-live="polite"' in section
    assert "instructions are counted, and they are not time" in section
    assert "<form" in section
    assert page([elsewhere.model_copy(update={"rows": result.rows[-1:]})]).count("joined-title") == 0


def test_the_markdown_has_the_same_rows(result, elsewhere, tmp_path):
    text = joined_markdown(joined_rows([result, elsewhere], ["here", "phones"]))
    assert text.count("phones.json") == 7
    assert text.count("| ★ |") == 6


def test_folders_are_searched_for_results(result, elsewhere, tmp_path, capsys):
    folder = tmp_path / "results"
    folder.mkdir()
    write_result(folder / "b.json", result)
    write_result(folder / "a.json", elsewhere)
    (folder / "study.json").write_text(json.dumps({"kind": "study"}))
    (folder / "broken.json").write_text("{")
    (folder / "list.json").write_text("[]")
    assert main(["report", str(folder), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    names = [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]
    assert [name for name in names if name.endswith(".json")] == ["a.json", "b.json"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="there is no result in this folder"):
        report([tmp_path / "empty"], tmp_path / "out2")
    # A report beside its result leaves the result alone.
    before = (folder / "a.json").read_bytes()
    written = report([folder / "a.json"], folder)
    assert [path.name for path in written if path.suffix == ".json"] == []
    assert (folder / "a.json").read_bytes() == before
