"""The page: well formed, escaped, and complete in itself."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.benchmarking.result import read_result, write_result
from edgeir.core.errors import ConfigError, ImageError, OutputError
from edgeir.reporting.html import ShownImage, headline, page
from edgeir.reporting.run import distinct_names, report

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}


class Checker(HTMLParser):
    """Collects what is out of balance and every attribute that could fetch something."""

    def __init__(self):
        super().__init__()
        self.stack, self.problems, self.resources, self.links, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.stack.append(tag)
        for name, value in attributes:
            if tag == "a" and name == "href":
                self.links.append(value)
            elif name in ("src", "href", "srcset", "data", "poster", "action", "background"):
                self.resources.append(value)
            if name.startswith("on"):
                self.problems.append(f"script in {name}")

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.problems.append(f"</{tag}> does not close what is open")


def check(text):
    checker = Checker()
    checker.feed(text)
    checker.close()
    return checker


def test_page_is_well_formed_and_self_contained(result, tmp_path):
    image = tmp_path / "a.png"
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(image)
    text = page([result, result], title="T <&> x", images=[ShownImage(image, 'before "x" <b>', "group & co")])
    checker = check(text)
    assert not checker.problems
    assert not checker.stack
    assert checker.resources
    assert all(resource.startswith("data:image/") for resource in checker.resources)
    assert not {"link", "iframe", "object", "base"} & set(checker.tags)
    assert checker.tags.count("script") == 1  # which has no src, or it would be among the resources
    assert set(checker.links) == {f"{result.name}.json"}  # the result files beside the page
    assert not re.search(r"url\(|@import|fetch\(|https?:", text)
    assert "<b>x" not in text
    assert "A &lt;fast&gt; &amp; good CPU" in text
    assert "T &lt;&amp;&gt; x" in text
    assert checker.tags.count("section") == 3


def test_images_are_inlined_exactly(result, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    text = page([result], images=[ShownImage(path, "after")])
    data = re.search(r'<img src="data:image/png;base64,([^"]+)"', text).group(1)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)


def test_headline(result):
    facts = {text: figure for figure, text in headline(result)}
    assert facts["fastest: student-s litert int8, one 1280x720 image, 1 thread"] == "9.00 ms"
    assert facts["speed-up over SRCNN on litert, in the same run"] == "130.0×"
    assert facts["best PSNR on Set5: student-l litert fp32"] == "31.50 dB"
    assert facts["above bicubic on Set5"] == "+3.07 dB"


def test_report_writes_everything(result, tmp_path):
    source = write_result(tmp_path / "set5 run.json", result)
    written = report([source], tmp_path / "out", title="A | title")
    assert [path.name for path in written] == [
        "report.html", "set5 run.json", "set5 run.svg", "set5 run.png", "report.md"
    ]  # fmt: skip
    assert (tmp_path / "out" / "set5 run.json").read_bytes() == source.read_bytes()
    assert 'href="set5%20run.json"' in written[0].read_text()
    assert all(path.stat().st_size > 500 for path in written)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert markdown.startswith("# A \\| title\n")
    assert "![Quality against latency](set5%20run.png)" in markdown
    assert "A \\<fast\\> & good CPU \\| x" in markdown
    with pytest.raises(OutputError, match="exists already"):
        report([source], tmp_path / "out")
    report([source], tmp_path / "out", overwrite=True)


def test_results_of_one_file_name_are_kept_apart(result, tmp_path):
    sources = []
    for index, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        rows = tuple(
            row.model_copy(update={"model": f"{folder}-{row.model}"}) for row in result.rows[: 3 + index]
        )
        sources.append(write_result(tmp_path / folder / "x.json", result.model_copy(update={"rows": rows})))
    written = report([*sources, sources[0]], tmp_path / "out")
    assert {path.name for path in written} == {
        "report.html", "report.md", "a-x.json", "b-x.json", "a-x.svg", "a-x.png", "b-x.svg", "b-x.png"
    }  # fmt: skip
    assert (tmp_path / "out" / "a-x.png").read_bytes() != (tmp_path / "out" / "b-x.png").read_bytes()
    text = (tmp_path / "out" / "report.md").read_text()
    first, *sections = text.split("\n## ")[1:]
    assert first.startswith("Every file on every device\n")
    assert "a-student-s" in first
    assert "b-student-s" in first
    assert [section.partition("\n")[0] for section in sections] == [
        f"{result.title} (a-x)", f"{result.title} (b-x)"
    ]  # fmt: skip
    for section, name in zip(sections, "ab", strict=True):
        assert f"({name}-x.png)" in section
        assert f"{name}-student-s" in section
    page_text = (tmp_path / "out" / "report.html").read_text()
    assert f"<h2>{result.title} (a-x)</h2>" in page_text
    assert page_text.count("<section>") == 2


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "A", "a-b", "c"]), min_size=1, max_size=4).map(
            lambda parts: Path("/", *parts[:-1], f"{parts[-1]}.json")
        ),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_names_of_several_files_are_distinct(paths):
    names = distinct_names(paths)
    assert len({name.casefold() for name in names}) == len(paths)
    for name, path in zip(names, paths, strict=True):
        assert name.endswith(path.stem)
        assert "/" not in name
    stems = [path.stem.casefold() for path in paths]
    if len(set(stems)) == len(stems):
        assert names == [path.stem for path in paths]


def test_a_plot_of_somebody_else_is_not_overwritten(result, tmp_path):
    source = write_result(tmp_path / "mine.json", result)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.png").write_bytes(b"holiday")
    with pytest.raises(OutputError, match="mine.png: the output exists already"):
        report([source], out)
    assert [path.name for path in out.iterdir()] == ["mine.png"]
    assert (out / "mine.png").read_bytes() == b"holiday"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": {"name": "old", "images": ["a"]}}, "suite: "),
        ({"suite": []}, "`suite`"),
        ({"timing": {"height": 0}}, "`timing.height`"),
        ({"rows": []}, "`rows`"),
    ],
)
def test_a_result_of_another_schema_is_one_line(result, tmp_path, change, message):
    value = result.model_dump(mode="json")
    for key, entry in change.items():
        value[key] = {**value[key], **entry} if key == "timing" else entry
    path = tmp_path / "old.json"
    path.write_text(json.dumps(value))
    with pytest.raises(ConfigError) as caught:
        report([path], tmp_path / "out")
    assert message in str(caught.value)
    assert "old.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("key", "value"), [("p50_ms", 0), ("p50_ms", 1e300), ("height", 10**30)])
def test_a_time_that_cannot_be_drawn_is_refused(result, tmp_path, key, value):
    content = result.model_dump(mode="json")
    content["rows"][0]["latency"][key] = value
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=f"`rows.0.latency.{key}`"):
        report([path], tmp_path / "out")


def test_a_load_that_the_system_does_not_tell_is_said(result):
    timing = result.timing.model_copy(update={"load_average": None})
    assert "not known here" in page([result.model_copy(update={"timing": timing})])


def test_result_survives_the_round_trip(result, tmp_path):
    assert read_result(write_result(tmp_path / "r.json", result)) == result


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a result of edgeir: it has no `format`"),
        ('{"format": "other-1"}', "its format is `other-1`, expected `edgeir-result-1`"),
        ('{"format": "edgeir-result-1", "kind": "bench"}', "`rows` is missing"),
        ('{"format": "edgeir-result-1", "knid": "bench"}', "did you mean `kind`"),
        (b"\xff\xfe\x00", "is not JSON"),
    ],
)
def test_a_foreign_file_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "bad.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        report([path], tmp_path / "out")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "bad.json" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_missing_files_and_images(result, tmp_path):
    with pytest.raises(ConfigError, match="no result file was given"):
        report([], tmp_path)
    with pytest.raises(ConfigError, match="No such file"):
        report([tmp_path / "none.json"], tmp_path / "out")
    source = write_result(tmp_path / "r.json", result)
    (tmp_path / "no.png").write_text("not an image")
    with pytest.raises(ImageError):
        report([source], tmp_path / "out", images=[ShownImage(tmp_path / "no.png", "x")])
    assert not (tmp_path / "out").exists()
