"""Tables: what stands in the cells, and that no text can break out of one."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.reporting.table import (
    Table,
    cost_table,
    count,
    escape_markdown,
    latency_table,
    milliseconds,
    quality_table,
    ratio_table,
    score_table,
)

CELL = re.compile(r"(?<!\\)(?:\\\\)*\|")


def one_cell(text):
    return Table(title="t", columns=("a", "b"), numeric=(False, True), rows=((text, "1"),))


@given(st.text(max_size=40))
def test_any_text_stays_in_its_cell(text):
    lines = one_cell(text).markdown().split("\n")
    assert len(lines) == 4  # header, rule, row, end
    assert len(CELL.findall(lines[2])) == 3
    assert lines[3] == ""


@given(st.text(alphabet="<>&\"'|`x", max_size=30))
def test_any_text_is_escaped_in_html(text):
    row = one_cell(text).html().split("<tbody>\n")[1]
    cell = row.removeprefix("<tr><td>").split("</td>")[0]
    assert "<" not in cell
    assert ">" not in cell
    assert not re.search(r"&(?!lt;|gt;|amp;|quot;|#x27;)", cell)


def test_escape_markdown():
    assert escape_markdown("a|b\n*c* <d>") == r"a\|b \*c\* \<d\>"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.1234, "0.12"), (9.876, "9.88"), (12.34, "12.3"), (1234.5, "1,234")]
)
def test_milliseconds(value, text):
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (12_644, "12.6 K"), (236_560, "237 K"), (1_500_000, "1.50 M")]
)
def test_count(value, text):
    assert count(value) == text


def test_quality_table_has_measured_rows_then_published_ones(result):
    rows = tuple(row.model_copy(update={"colours": "rgb"}) for row in result.rows)
    table = quality_table(result.model_copy(update={"rows": rows}))
    columns = ("model", "runtime", "precision", "colours", "parameters", "Set5 PSNR dB", "Set5 SSIM")
    assert table.columns == columns
    assert table.rows[0] == ("student-s", "litert", "fp32", "RGB", "12.3 K", "30.90", "0.8000")
    published = [row for index, row in enumerate(table.rows) if index in table.faint]
    assert ("PPCN-SR", "published", "", "RGB", "237 K", "31.37", "0.8835") in published
    assert ("SPAN", "published", "", "RGB", "498 K", "32.20", "–") in published
    assert ("FSRCNN", "published", "", "Y only", "12.6 K", "30.70", "–") in published
    assert all(row[1] != "published" for index, row in enumerate(table.rows) if index not in table.faint)
    assert "quoted from the papers" in table.caption
    assert "Y only" in table.caption
    assert "SRCNN" not in {row[0] for row in table.rows}  # timed only


def test_a_result_that_does_not_know_the_colours_has_no_such_column(result):
    suite = json.loads(json.dumps(result.suite))
    for entry in suite["sets"]:
        for row in entry["published"]:
            row.pop("colours")
    table = quality_table(result.model_copy(update={"suite": suite}))
    assert table.columns == ("model", "runtime", "precision", "parameters", "Set5 PSNR dB", "Set5 SSIM")
    assert table.rows[0] == ("student-s", "litert", "fp32", "12.3 K", "30.90", "0.8000")
    assert "Y only" not in table.caption


def test_other_images_are_never_put_beside_published_figures(result):
    assert not quality_table(result.model_copy(update={"comparable": False})).faint


def test_latency_table(result):
    table = latency_table(result)
    assert table.title == "Time at 1280x720 output, 1 thread"
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert row["p50 ms"] == "9.00"
    assert row["speed-up over SRCNN"] == "130 (130 to 130)"
    assert [row[0] for row in table.rows].count("SRCNN") == 1
    assert latency_table(result.model_copy(update={"timing": None})) is None


def test_cost_table(result):
    table = cost_table(result)
    row = dict(zip(table.columns, table.rows[1], strict=True))
    assert (row["of GEMM"], row["GMAC"], row["file KiB"]) == ("50 %", "1.50", "49")
    assert (row["peak MiB"], row["without imports"]) == ("80", "–")
    assert "51.5 GMAC/s" in table.caption


def test_score_table_warns_of_other_images(result):
    assert "not comparable" not in score_table(result).caption
    assert "not comparable" in score_table(result.model_copy(update={"comparable": False})).caption
    assert score_table(result).rows[0][3:8] == ("20.0", "4.00", "12.00", "14.00", "13.00")


def test_ratio_table_shows_each_pair_once(result):
    assert {row[2] for row in ratio_table(result).rows} == {"60.0", "130", "11.0"}
    bare = result.model_copy(update={"rows": (result.rows[-1],)})
    assert ratio_table(bare) is None
    assert score_table(bare) is None
