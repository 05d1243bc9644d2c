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


@pytest.mark.parametrize("script", ["plot.py", "front.py"])
def test_the_plots_are_in_step(script, tmp_path):
    path = SCRIPT.with_name(script)
    done = subprocess.run([sys.executable, str(path), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    option = "--plot" if script == "front.py" else "--out"
    stale = subprocess.run(
        [sys.executable, str(path), "--check", option, str(tmp_path / "none.svg")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert stale.returncode == 1
    assert f"benchmarks/{script}" in stale.stderr


def test_evidence_sets_measured_beside_published(checkout):
    folder = checkout / "benchmarks"
    (folder / "studies").mkdir()
    (folder / "studies" / "tiny.yaml").write_text(
        "variants: {without: {about: alone}, with: {about: taught, published: +0.2 (Table 9)}, other: {about: else}}"
    )

    def runs(*values):
        return [{"seed": seed, "psnr_db": {"Set5": value}} for seed, value in enumerate(values)]

    variants = {
        "without": {"about": "alone", "runs": runs(30.0, 30.2, 30.1)},
        "with": {"about": "taught", "runs": runs(30.1, 30.3, 30.23), "against": "without"},
        "other": {"about": "else", "runs": runs(30.0, 30.2, 30.1), "against": "without"},
    }
    value = {
        "kind": "study",
        "name": "tiny",
        "about": "a study",
        "created": "2026-01-02T00:00:00Z",
        "recipe": "x",
        "seeds": [0, 1, 2],
        "environment": {"machine": {"cpu": "X"}, "versions": {}, "revision": None},
        "variants": variants,
        "rows": [{"variant": "without", "Set5 dB": "stale ± 0.00"}],
    }
    (folder / "results" / "study-tiny.json").write_text(json.dumps(value))
    text = "<!-- table: evidence -->\n<!-- /table -->\n<!-- table: study-tiny rows -->\n<!-- /table -->\n"
    done, filled = write(checkout, text)
    assert done.returncode == 0, done.stderr
    lines = filled.splitlines()
    # 0.1, 0.1, 0.13: mean 0.11, deviation 0.01732, half-width 4.3027 x 0.01732 / sqrt(3)
    assert lines[3:6] == [
        "| tiny | with against without | Set5 | +0.11 ± 0.04 | 3 | +0.2 (Table 9) |",
        "",
        "± is the half-width of the 95 % Student-t interval over the seeds.",
    ]
    assert "| with | taught | 30.210 ± 0.252 | +0.110 ± 0.043 (+0.100 to +0.130) |" in lines
    assert "| other | else | 30.100 ± 0.248 | +0.000 (+0.000 to +0.000) |" in lines
    assert "stale" not in filled


def test_the_colours_of_networks_are_shown_where_they_are_known(checkout):
    results = ROOT / "benchmarks" / "results"
    for name in ("eval-sr-x4-teacher", "zoo-sr-x4-sr-x4"):
        copy = checkout / "benchmarks" / "results" / f"{name}.json"
        copy.write_text((results / f"{name}.json").read_text())
    _, text = write(
        checkout,
        "<!-- table: eval-sr-x4-teacher quality -->\n<!-- /table -->\n"
        "<!-- table: zoo-sr-x4-sr-x4 quality -->\n<!-- /table -->\n",
    )
    old, _, new = text.partition("zoo-sr-x4-sr-x4 quality")
    assert "colours" not in old  # it was not recorded
    assert "| *SESR* | *published* |  | *Y only* | *115 K* |" in new
    assert "| sr-x4 | torch | fp32 | RGB |" in new


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
    assert (
        "| [other](benchmarks/results/other.json) | Other | Measured 2026-01-02 on X; revision abc. |" in text
    )
    (checkout / "docs").mkdir()
    for document, link in (("docs", "../benchmarks/results"), ("benchmarks", "results")):
        name = "benchmarks.md" if document == "docs" else "README.md"
        path = checkout / document / name
        path.write_text("<!-- table: index -->\n<!-- /table -->\n")
        run("--root", str(checkout))
        assert f"| [other]({link}/other.json) |" in path.read_text()


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
