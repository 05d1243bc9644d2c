"""The page in a real Chromium: the same pixels as `edgeir restore`, and nothing lost, left over or sent."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgeir.imaging.read import read_photo
from edgeir.restoring.photo import restore

pytestmark = pytest.mark.browser

Script = Callable[..., Any]
SIZE, SCALE = (48, 40), 2
"""Of the bundle `fixed`."""


def pixels(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    photo = read_photo(path)
    return photo.pixels.astype(int), None if photo.alpha is None else photo.alpha.astype(int)


def reference(photo: Path, model: Path, out: Path) -> Path:
    restore(photo, out, model=model)
    return out


def assert_same(page: Path, python: Path, levels: int = 1) -> None:
    """At most one level of 8 bits apart, and hardly any sample at all."""
    (ours, alpha), (theirs, other) = pixels(page), pixels(python)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= levels
    assert (ours != theirs).mean() < 0.01
    assert (alpha is None) == (other is None)
    if alpha is not None and other is not None:
        assert np.abs(alpha - other).max() <= levels


@pytest.mark.parametrize("size", [(1, 1), (7, 61), (61, 7), (48, 40), (97, 83), (200, 301)])
def test_a_tflite_file_gives_the_pixels_of_edgeir_restore(
    size: tuple[int, int], fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    photo = tmp_path / "in.png"
    Image.fromarray(noise(*size)).save(photo)
    opened = visit(fixed, query="?engine=wasm")
    assert opened.ready().startswith("LiteRT.js")
    opened.choose(photo)
    assert opened.finished() == "Restored"
    page = opened.saved(tmp_path / "page.png")
    assert_same(page, reference(photo, fixed, tmp_path / "python.png"))
    assert opened.errors == []


@pytest.mark.parametrize("size", [(5, 9), (300, 260), (257, 513)])
def test_an_onnx_file_of_any_size_gives_them_too(
    size: tuple[int, int], flexible: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    photo = tmp_path / "in.png"
    Image.fromarray(noise(*size)).save(photo)
    opened = visit(flexible)
    assert opened.ready().startswith("ONNX Runtime Web")
    opened.choose(photo)
    assert opened.finished() == "Restored"
    assert_same(opened.saved(tmp_path / "page.png"), reference(photo, flexible, tmp_path / "python.png"))


@pytest.mark.slow
def test_a_large_photo(fixed: Path, visit: Script, noise: Script, tmp_path: Path) -> None:
    photo = tmp_path / "in.png"
    Image.fromarray(noise(1200, 1601)).save(photo)
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(photo)
    assert opened.finished() == "Restored"
    assert_same(opened.saved(tmp_path / "page.png"), reference(photo, fixed, tmp_path / "python.png"))


def test_alpha_is_kept_and_hidden_colours_change_nothing(
    fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    photo = tmp_path / "in.png"
    rgba = np.dstack([noise(70, 90), noise(70, 90, 1, seed=1)])
    rgba[10:40, 20:50] = 0  # black under an alpha of zero, as a drawing program leaves it
    rgba[60:, :5, 3] = 1
    Image.fromarray(rgba).save(photo)
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(photo)
    opened.finished()
    page = opened.saved(tmp_path / "page.png")
    python = reference(photo, fixed, tmp_path / "python.png")
    (ours, alpha), (theirs, other) = pixels(page), pixels(python)
    assert alpha is not None
    assert np.abs(alpha - other).max() <= 1
    seen = alpha > 0
    assert np.abs(ours - theirs)[seen].max() <= 1


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photo_comes_out_upright(
    orientation: int, fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    photo = tmp_path / "in.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    Image.fromarray(noise(60, 90)).save(photo, exif=exif, quality=95, subsampling=0)
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(photo)
    opened.finished()
    page = opened.saved(tmp_path / "page.png")
    with Image.open(page) as image:
        turned = (60, 90) if orientation > 4 else (90, 60)
        assert image.size == tuple(SCALE * side for side in turned)
        kept = image.getexif()
        assert kept.get(0x0112, 1) == 1
        assert kept[0x010F] == "Maker"
    assert_same(page, reference(photo, fixed, tmp_path / "python.png"))


def test_the_colour_profile_is_kept_and_the_samples_are_not_converted(
    fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    """A profile with another gamma and swapped primaries, so that any colour management would show."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    content = bytearray(profile.tobytes())
    red, green = (
        content.index(b"rXYZ"),
        content.index(b"gXYZ"),
    )  # the tags' names in the table exchange places
    content[red : red + 4], content[green : green + 4] = b"gXYZ", b"rXYZ"
    for suffix in ("png", "jpg"):
        photo = tmp_path / f"in.{suffix}"
        Image.fromarray(noise(40, 50)).save(photo, icc_profile=bytes(content), quality=95, subsampling=0)
        opened = visit(fixed, query="?engine=wasm")
        opened.ready()
        opened.choose(photo)
        opened.finished()
        page = opened.saved(tmp_path / f"page-{suffix}.png")
        with Image.open(page) as image:
            assert image.info["icc_profile"] == bytes(content)
        assert_same(page, reference(photo, fixed, tmp_path / f"python-{suffix}.png"))


def test_sixteen_bits_gray_and_palettes(fixed: Path, visit: Script, noise: Script, tmp_path: Path) -> None:
    gray16 = (noise(40, 50, 1)[:, :, 0].astype(np.uint16) << 8) + 77
    Image.fromarray(gray16).save(tmp_path / "gray16.png")
    Image.fromarray(noise(40, 50, 1)[:, :, 0]).save(tmp_path / "gray.png")
    Image.fromarray(noise(40, 50)).quantize(32).save(tmp_path / "palette.png", transparency=3)
    Image.fromarray(noise(40, 50, 1)[:, :, 0]).save(tmp_path / "gray.jpg", quality=95)
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    for name in ("gray16.png", "gray.png", "palette.png", "gray.jpg"):
        opened.choose(tmp_path / name)
        number = opened.page.locator("#photos li").count() - 1
        opened.page.wait_for_selector(f"#photo-{number}[data-state=done]")
        opened.page.click(f"#photo-{number} button")
        page = opened.saved(tmp_path / f"page-{name}.png")
        python = reference(tmp_path / name, fixed, tmp_path / f"python-{name}.png")
        (ours, alpha), (theirs, _) = pixels(page), pixels(python)
        assert ours.shape == theirs.shape, name
        assert read_photo(page).pixels.dtype == read_photo(python).pixels.dtype, name
        seen = np.ones(ours.shape[:2], bool) if alpha is None else alpha > 0
        assert np.abs(ours - theirs)[seen].max() <= (257 if name == "gray16.png" else 1), name


def test_a_damaged_photo_is_named_and_the_next_one_goes_on(
    fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(40, 50)).save(buffer, "PNG")
    content = bytearray(buffer.getvalue())
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.png").write_bytes(bytes(content))
    (tmp_path / "text.jpg").write_text("no image")
    Image.fromarray(noise(40, 50)).save(tmp_path / "good.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(tmp_path / "bad.png", tmp_path / "text.jpg", tmp_path / "good.png")
    opened.page.wait_for_selector("#photo-2[data-state=done]")
    opened.page.click("#photo-0 button")
    assert opened.page.inner_text("#status") == "bad.png: the PNG file is damaged; copy or download it again"
    assert not opened.page.is_visible("#save")
    opened.page.click("#photo-1 button")
    assert "text.jpg: this browser cannot read it" in opened.page.inner_text("#status")


def test_the_previous_result_is_never_shown_for_the_next_photo(
    fixed: Path, visit: Script, tmp_path: Path
) -> None:
    """Red and blue photos in turns, looked at all the time by a script of the page's own clock."""
    for name, colour in (("red", (220, 20, 20)), ("blue", (20, 20, 220)), ("red2", (200, 10, 10))):
        Image.new("RGB", (150, 120), colour).save(tmp_path / f"{name}.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.page.evaluate(
        """() => {
          window.wrong = []; window.looks = 0;
          const watch = () => {
            const name = document.querySelector('#photos [aria-current=true] .name')?.textContent ?? '';
            for (const canvas of document.querySelectorAll('.frame canvas')) {
              const middle = [canvas.width >> 1, canvas.height >> 1, 1, 1];
              const [r, g, b, a] = canvas.getContext('2d').getImageData(...middle).data;
              if (a === 0) continue;
              window.looks++;
              const isBefore = canvas.className === 'before';
              if (!canvas.getAttribute('aria-label').startsWith(name)) window.wrong.push([name, canvas.ariaLabel]);
              if (isBefore && (name.startsWith('red') ? b > r : r > b)) window.wrong.push([name, r, g, b]);
            }
            const link = document.querySelector('#save');
            const own = link.hidden || link.download.startsWith(name.replace('.png', '-'));
            if (!own) window.wrong.push([name, link.download]);
            requestAnimationFrame(watch);
          };
          watch();
        }"""
    )
    opened.choose(tmp_path / "red.png", tmp_path / "blue.png", tmp_path / "red2.png")
    for number in range(3):
        opened.page.wait_for_selector(f"#photo-{number}[data-state=done]")
    for number in (0, 1, 2, 1, 0, 2, 0, 1):
        opened.page.click(f"#photo-{number} button")
        opened.page.wait_for_timeout(30)
    assert opened.page.evaluate("window.looks") > 20
    assert opened.page.evaluate("window.wrong") == []


def test_cancel_stops_and_shows_no_result(fixed: Path, visit: Script, noise: Script, tmp_path: Path) -> None:
    Image.fromarray(noise(1400, 1800)).save(tmp_path / "large.png")
    Image.fromarray(noise(40, 50)).save(tmp_path / "small.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(tmp_path / "large.png")
    opened.page.wait_for_selector("canvas.after")
    opened.page.keyboard.press("Escape")
    opened.page.wait_for_selector("#photo-0[data-state=cancelled]")
    assert not opened.page.is_visible("#save")
    assert opened.page.locator("canvas.after").count() == 0
    opened.choose(tmp_path / "small.png")
    opened.page.wait_for_selector("#photo-1[data-state=done]")
    page = opened.saved(tmp_path / "page.png")
    assert_same(page, reference(tmp_path / "small.png", fixed, tmp_path / "python.png"))


def test_nothing_leaves_the_page(fixed: Path, visit: Script, noise: Script, tmp_path: Path) -> None:
    """All requests are for the page's own files, and the policy stops the others, from the page and from its worker."""
    Image.fromarray(noise(40, 50)).save(tmp_path / "in.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(tmp_path / "in.png")
    opened.finished()
    own = [url for url in opened.requests if not url.startswith(("blob:", "data:"))]
    assert own
    assert all(url.startswith(opened.origin) for url in own)
    blocked = """async () => {
      const refused = new Set();
      document.addEventListener('securitypolicyviolation', e => refused.add(`${e.effectiveDirective} ${e.blockedURI}`));
      const other = name => `http://127.0.0.1:9/${name}`;
      const post = {mode: 'no-cors', method: 'POST', body: 'photo'};
      const sent = await fetch(other('fetch'), post).then(() => true, () => false);
      navigator.sendBeacon(other('beacon'), 'photo');
      new Image().src = other('image');
      try { new WebSocket('ws://127.0.0.1:9/socket'); } catch { }
      const form = document.createElement('form');
      form.action = other('form');
      document.body.append(form);
      form.submit();
      await new Promise(resolve => setTimeout(resolve, 500));
      return {sent, refused: [...refused].sort()};
    }"""
    assert opened.page.evaluate(blocked) == {
        "sent": False,
        "refused": [
            "connect-src http://127.0.0.1:9/beacon",
            "connect-src http://127.0.0.1:9/fetch",
            "connect-src ws://127.0.0.1:9/socket",
            "form-action http://127.0.0.1:9/form?",
            "img-src http://127.0.0.1:9/image",
        ],
    }


def test_the_whole_page_works_by_keyboard_and_has_names_for_a_screen_reader(
    fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    Image.fromarray(noise(40, 50)).save(tmp_path / "in.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    for _ in range(12):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.id") == "choose":
            break
    with opened.page.expect_file_chooser() as chooser:
        opened.page.keyboard.press("Enter")
    chooser.value.set_files(str(tmp_path / "in.png"))
    opened.finished()
    opened.page.focus("#split")
    opened.page.keyboard.press("ArrowRight")
    assert opened.page.get_attribute("#split", "aria-valuetext") == "51 % before, the rest after"
    nameless = """() => [...document.querySelectorAll('button, a, select, input, [role=img], progress')]
      .filter(e => e.offsetParent !== null && !(e.innerText?.trim() || e.ariaLabel || e.labels?.length))
      .map(e => e.outerHTML)"""
    assert opened.page.evaluate(nameless) == []
    assert opened.page.get_attribute("#status", "role") == "status"
    assert opened.page.get_attribute("#alert", "role") == "alert"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(
    width: int, fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    Image.fromarray(noise(40, 90)).save(tmp_path / ("a-long-name-" * 12 + ".png"))
    opened = visit(fixed, query="?engine=wasm", viewport={"width": width, "height": 800})
    opened.ready()
    opened.choose(next(tmp_path.glob("*.png")))
    opened.finished()
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_details_say_what_ran_and_how_long(
    fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    Image.fromarray(noise(90, 120)).save(tmp_path / "in.png")
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    opened.choose(tmp_path / "in.png")
    opened.finished()
    details = opened.details()
    assert details["Result"].startswith(f"{120 * SCALE} × {90 * SCALE}, ")
    assert details["Tiles"].endswith(f"of {SIZE[1]} × {SIZE[0]}")
    assert "per megapixel of the photo" in details["Per megapixel"]
    assert "WebAssembly" in details["Engine"]
    assert details["Engine check"].startswith("checked on the golden image")
