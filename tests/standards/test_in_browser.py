"""Mails in a real browser: on a phone, in a pane and on a desk, by day and by night."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from mailings import kinds
from tests.servers.browser import ARTEFACTS, browser
from tests.standards.real_copies import letter

#: Of each piece of text: its words, and the contrast with what is painted behind it.
CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = numbers(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const out = [];
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.textContent.trim()) continue;
    const a = light(numbers(getComputedStyle(node.parentElement).color));
    const b = light(behind(node.parentElement));
    out.push([node.textContent.trim().slice(0, 40),
              (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]);
  }
  return out;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with browser() as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """By day and by night."""
    name: str = request.param
    return name


def shown(page: Page, kind: str) -> None:
    """Show the HTML part of a copy."""
    page.set_content(letter(kind).html or "")


@pytest.mark.parametrize("width", [320, 600, 1280])
def test_o39_every_kind_fits_and_can_be_read(chromium: Browser, scheme: str, width: int) -> None:
    """Nothing is wider than the screen, and every word stands out from what is behind it."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=True,
    )
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    (ARTEFACTS / "email").mkdir(parents=True, exist_ok=True)
    for kind in sorted(kinds.ALL):
        shown(page, kind)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
        pale = [found for found in page.evaluate(CONTRAST) if found[1] < 4.5]
        assert pale == [], kind
        page.screenshot(path=ARTEFACTS / "email" / f"{kind}-{scheme}-{width}.png", full_page=True)
    assert asked == []
    context.close()


def test_o39_the_night_is_dark(chromium: Browser) -> None:
    """Programs that follow the reader's scheme get a dark page, not one turned by guess."""
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    shown(page, "digest")
    painted = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert painted == "rgb(11, 12, 12)"
    assert page.locator('meta[name="color-scheme"][content="light dark"]').count() == 1
    context.close()


def test_o39_a_screen_reader_finds_its_way(chromium: Browser) -> None:
    """One article in a language, one main heading, no table but for layout, links with names."""
    context = chromium.new_context()
    page = context.new_page()
    for kind in sorted(kinds.ALL):
        shown(page, kind)
        assert page.get_by_role("article").count() == 1, kind
        assert page.get_by_role("heading", level=1).count() == 1, kind
        assert page.get_by_role("table").count() == 0, kind
        assert page.locator('html[lang="en-GB"]').count() == 1, kind
        assert page.title(), kind
        for link in page.get_by_role("link").all():
            assert (link.text_content() or "").strip(), kind
    context.close()


def test_o39_buttons_can_be_hit_with_a_finger(chromium: Browser) -> None:
    """WCAG 2.2 §2.5.8: at least 24 by 24 pixels, on a phone too."""
    context = chromium.new_context(viewport={"width": 320, "height": 900})
    page = context.new_page()
    shown(page, "invitation")
    box = page.locator(".button a").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24
    context.close()
