"""The generated tables: in step with the results of the repository, and errors that say what is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "tables.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    rows = [{"network": "a|b", "latency_ms": 12.3456, "exact": True}, {"network": "c", "latency_ms": 2000.5}]
    value = {
        "title": "Other",
        "created": "2026-01-02T00:00:00Z",
        "machine": {"cpu": "X"},
        "revision": "abc",
        "rows": rows,
    }
    (tmp_path / "benchmarks" / "results" / "other.json").write_text(json.dumps(value))
    return tmp_path


def write(checkout, text):
    (checkout / "README.md").write_text(text)
    return run("--root", str(checkout)), (checkout / "README.md").read_text()


def test_the_repository_is_in_step():
    done = run("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_evidence_sets_measured_beside_published(checkout):
    folder = checkout / "benchmarks"
    (folder / "studies").mkdir()
    (folder / "studies" / "tiny.yaml").write_text(
        "variants: {without: {about: alone}, with: {about: taught, published: +0.2 (Table 9)}, other: {about: else}}"
    )
    difference = {"Set5": {"mean": 0.104, "std": 0.03}}
    variants = {
        "without": {"about": "alone", "runs": [1, 2, 3]},
        "with": {"about": "taught", "runs": [1, 2, 3], "against": "without", "difference_db": difference},
        "other": {"about": "else", "runs": [1, 2, 3], "against": "without", "difference_db": difference},
    }
    (folder / "results" / "study-tiny.json").write_text(json.dumps({"name": "tiny", "variants": variants}))
    done, filled = write(checkout, "<!-- table: evidence -->\n<!-- /table -->\n")
    assert done.returncode == 0, done.stderr
    assert filled.splitlines()[3:-1] == [
        "| tiny | with against without | Set5 | +0.10 ± 0.03 | 3 | +0.2 (Table 9) |"
    ]


def test_fill_and_check(checkout):
    text = "before\n<!-- table: other rows:network,latency_ms -->\nstale\n<!-- /table -->\nafter\n"
    (checkout / "README.md").write_text(text)
    stale = run("--root", str(checkout), "--check")
    assert stale.returncode == 1
    assert "-stale" in stale.stdout
    assert (checkout / "README.md").read_text() == text
    done, filled = write(checkout, text)
    assert done.returncode == 0
    assert filled == (
        "before\n<!-- table: other rows:network,latency_ms -->\n| network | latency ms |\n| --- | ---: |\n"
        "| a\\|b | 12.35 |\n| c | 2,000 |\n<!-- /table -->\nafter\n"
    )
    assert run("--root", str(checkout), "--check").returncode == 0


def test_index_and_about(checkout):
    _, text = write(
        checkout, "<!-- table: index -->\n<!-- /table -->\n<!-- table: other about -->\n<!-- /table -->\n"
    )
    assert "| [other](results/other.json) | Other | Measured 2026-01-02 on X; revision abc. |" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table: other rows -->\n", "not closed"),
        ("<!-- table: none rows -->\n<!-- /table -->", "needs none.json, which is not there"),
        ("<!-- table: other latency -->\n<!-- /table -->", "other.json has rows, about"),
        (
            "<!-- table: other rows:nope -->\n<!-- /table -->",
            "rows have no nope; there are network, latency_ms, exact",
        ),
    ],
)
def test_mistakes_are_one_line(checkout, text, message):
    done, after = write(checkout, text)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert after == text
