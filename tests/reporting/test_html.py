"""The page: well formed, escaped, and complete in itself."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.result import read_result, write_result
from edgeir.core.errors import ConfigError, ImageError, OutputError
from edgeir.reporting.html import Picture, headline, page
from edgeir.reporting.run import report

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}


class Checker(HTMLParser):
    """Collects what is out of balance and every attribute that could fetch something."""

    def __init__(self):
        super().__init__()
        self.stack, self.problems, self.resources, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.stack.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "data", "poster", "action", "background"):
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
    picture = tmp_path / "a.png"
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(picture)
    text = page(
        [result, result], title="T <&> x", pictures=[Picture(picture, 'before "x" <b>', "group & co")]
    )
    checker = check(text)
    assert not checker.problems
    assert not checker.stack
    assert checker.resources
    assert all(resource.startswith("data:image/") for resource in checker.resources)
    assert not {"script", "link", "iframe", "object", "base"} & set(checker.tags)
    assert not re.search(r"url\(|@import", text)
    assert "<b>x" not in text
    assert "A &lt;fast&gt; &amp; good CPU" in text
    assert "T &lt;&amp;&gt; x" in text
    assert checker.tags.count("section") == 2


def test_pictures_are_inlined_exactly(result, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    text = page([result], pictures=[Picture(path, "after")])
    data = re.search(r'<img src="data:image/png;base64,([^"]+)"', text).group(1)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)


def test_headline(result):
    facts = {text: figure for figure, text in headline(result)}
    assert facts["fastest: student-s litert int8, one 1280x720 picture, 1 thread"] == "9.00 ms"
    assert facts["the speed of SRCNN on litert, in the same run"] == "130.0×"
    assert facts["best PSNR on Set5: student-l litert fp32"] == "31.50 dB"
    assert facts["above bicubic on Set5"] == "+3.07 dB"


def test_report_writes_everything(result, tmp_path):
    source = write_result(tmp_path / "set5 run.json", result)
    written = report([source], tmp_path / "out", title="A | title")
    assert [path.name for path in written] == ["report.html", "set5 run.svg", "set5 run.png", "report.md"]
    assert all(path.stat().st_size > 500 for path in written)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert markdown.startswith("# A \\| title\n")
    assert "![Quality against latency](set5%20run.png)" in markdown
    assert "A \\<fast\\> & good CPU \\| x" in markdown
    with pytest.raises(OutputError, match="exists already"):
        report([source], tmp_path / "out")
    report([source], tmp_path / "out", overwrite=True)


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


def test_missing_files_and_pictures(result, tmp_path):
    with pytest.raises(ConfigError, match="no result file was given"):
        report([], tmp_path)
    with pytest.raises(ConfigError, match="No such file"):
        report([tmp_path / "none.json"], tmp_path / "out")
    source = write_result(tmp_path / "r.json", result)
    (tmp_path / "no.png").write_text("not a picture")
    with pytest.raises(ImageError):
        report([source], tmp_path / "out", pictures=[Picture(tmp_path / "no.png", "x")])
    assert not (tmp_path / "out").exists()
