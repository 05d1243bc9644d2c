"""The joined table in a real browser, by keyboard, without network, at the widths of a desk and of a phone."""

from __future__ import annotations

import pytest

from edgeir.benchmarking.result import write_result
from edgeir.core.errors import DeviceError
from edgeir.devices.browser.chromium import chromium_path
from edgeir.reporting.run import report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(playwright):
    try:
        program = chromium_path()
    except DeviceError as error:
        pytest.skip(str(error))
    opened = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
    yield opened
    opened.close()


@pytest.fixture
def opened(browser, result, make, tmp_path):
    """Opens a report of two results at a width; every message of the page fails the test."""
    other = make("student-xl", 40.0, 31.9, runtime="onnxruntime")
    second = result.model_copy(update={"rows": (other,), "name": "second"})
    sources = [write_result(tmp_path / "first.json", result), write_result(tmp_path / "second.json", second)]
    file = report(sources, tmp_path / "out")[0]
    contexts, said = [], []

    def open_at(width, **settings):
        context = browser.new_context(viewport={"width": width, "height": 800}, offline=True, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert said == []


def models(page):
    return [row.inner_text().strip("★ ") for row in page.locator(".joined tbody tr:visible th").all()]


def test_sorting_by_keyboard_and_by_what_the_figures_are(opened):
    page = opened(1280)
    assert len(models(page)) == 7
    head = page.get_by_role("button", name="p50 ms")
    head.focus()
    page.keyboard.press("Enter")
    assert models(page)[0] == "student-s"
    assert models(page)[-1] == "SRCNN"  # 1,200 ms is more than 300
    assert page.locator("th[aria-sort=ascending]").inner_text().strip().startswith("p50 ms")
    page.keyboard.press("Enter")
    assert models(page)[0] == "SRCNN"
    page.get_by_role("button", name="PSNR dB").click()
    assert models(page)[0] == "student-xl"  # more is better: the largest first
    assert models(page)[-1] == "SRCNN"  # no figure: last either way
    page.get_by_role("button", name="PSNR dB").click()
    assert models(page)[-1] == "SRCNN"
    page.get_by_role("button", name="model").click()
    assert models(page) == sorted(models(page), key=str.lower)


def test_filters_count_what_they_show(opened):
    page = opened(1280)
    said = page.locator(".joined output")
    assert said.inner_text() == "7 of 7 rows"
    page.get_by_label("precision").select_option("int8")
    assert said.inner_text() == "1 of 7 rows"
    page.get_by_role("button", name="show all").click()
    page.wait_for_function("document.querySelector('.joined output').textContent === '7 of 7 rows'")
    page.get_by_label("format").select_option("onnx")
    assert sorted(models(page)) == ["student-l", "student-xl"]
    page.get_by_role("button", name="show all").click()
    page.get_by_label("front only").check()
    assert sorted(models(page)) == ["student-s", "student-s", "student-xl"]
    page.get_by_label("text").fill("INT8 student")
    assert models(page) == ["student-s"]


def test_links_lead_to_the_results(opened):
    page = opened(1280)
    link = page.get_by_role("link", name="result file of student-xl onnxruntime fp32")
    assert link.evaluate("one => one.href").endswith("/out/second.json")
    link.click()
    assert page.url.endswith("/second.json")
    assert "edgeir-result-1" in page.content()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_itself_does_not_scroll_sideways(opened, width):
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inside = page.locator(".joined .scroll")
    inside.evaluate("one => { one.scrollLeft = 500 }")
    first = page.locator(".joined tbody th").first
    assert first.bounding_box()["x"] >= inside.bounding_box()["x"]  # which file a row is of stays in sight


def test_without_its_script_it_is_a_plain_table(opened):
    page = opened(1280, java_script_enabled=False)
    assert page.locator(".joined tbody tr").count() == 7
    assert page.locator(".filters").is_hidden()
    assert page.locator(".joined thead button").count() == 0
