"""The plot: its front against a brute-force definition, and that what it draws is an image."""

import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.reporting.pareto import Point, front, points_of, render

points = st.lists(
    st.tuples(st.integers(1, 20), st.integers(20, 30)).map(
        lambda p: Point("p", "litert", float(p[0]), float(p[1]))
    ),
    min_size=1,
    max_size=12,
)


@given(points)
def test_front_is_the_set_that_nothing_dominates(cloud):
    def dominated(point):
        return any(
            (other.latency_ms <= point.latency_ms and other.psnr_db >= point.psnr_db)
            and (other.latency_ms < point.latency_ms or other.psnr_db > point.psnr_db)
            for other in cloud
        )

    expected = {(p.latency_ms, p.psnr_db) for p in cloud if not dominated(p)}
    found = [(p.latency_ms, p.psnr_db) for p in front(cloud)]
    assert set(found) == expected
    assert found == sorted(found)
    assert len(found) == len(set(found))


def test_points_are_the_rows_with_both(result):
    found, name = points_of(result)
    assert name == "Set5"
    assert {point.label for point in found} == {"student-s", "student-s int8", "student-l", "slow|and_bad"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_png_is_a_image_with_something_in_it(result, scheme):
    image = np.asarray(
        Image.open(io.BytesIO(render(result, scheme=scheme, kind="png"))).convert("L"), dtype=float
    )
    assert image.shape[0] > 600
    assert image.shape[1] > 1000
    assert (image[0, 0] > 200) == (scheme == "light")
    assert image.std() > 5


def test_svg_is_the_same_every_time_and_refers_to_nothing_outside(result):
    svg = render(result, kind="svg")
    assert svg == render(result, kind="svg")
    references = re.findall(r'(?:href|src)="([^"]*)"', svg.decode())
    assert references
    assert all(reference.startswith("#") for reference in references)


def test_labels_do_not_cover_each_other(result, make):
    from edgeir.reporting.pareto import plot

    rows = [make(f"network-{index}", 10.0 + index, 30.0 + 0.03 * index) for index in range(5)]
    figure = plot(result.model_copy(update={"rows": tuple(rows)}))
    renderer = figure.canvas.get_renderer()
    boxes = [
        text.get_window_extent(renderer)
        for text in figure.axes[0].texts
        if text.get_text().startswith("network")
    ]
    assert len(boxes) == 5
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_nothing_to_draw(result):
    assert render(result.model_copy(update={"rows": (result.row("SRCNN litert fp32"),)})) is None


def test_one_row_is_enough(result):
    assert render(result.model_copy(update={"rows": result.rows[:1], "comparable": False})) is not None
