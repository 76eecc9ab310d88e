"""The page in a real browser: keys and buttons, what is lit when, no errors, accessible, from a phone to a wide screen.

Debian's chromium, driven by Playwright. Where there is none these tests are left out, and say why; CI has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from attrs import evolve
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from kubeproof.traces.changes import Change
from kubeproof.traces.files import read
from kubeproof.traces.page.build import html
from leaving_out import CHROMIUM
from places import ROOT

pytestmark = pytest.mark.xdist_group("browser")

CORPUS = ROOT / "traces" / "corpus"
DROPPED = read(CORPUS / "dropped-reachability.json")
LONG = Change("long/" * 30, None, "", "", "x" * 500)
PAGES = {
    "dropped": DROPPED,
    "deadlock": read(CORPUS / "deadlock-convergence.json"),
    "tour": read(CORPUS / "run-nginx-pod.json"),
    "lasso": evolve(DROPPED, cycle_start=4),
    "chart": evolve(DROPPED, reasons=(f"no Pod bears app.kubernetes.io/instance={'release-name-' * 5}", "l" * 200)),
    "wide": evolve(DROPPED, steps=(evolve(DROPPED.steps[0], changes=(LONG,)),)),
}
WIDTHS = (360, 390, 768, 1024, 1440, 2200)
Opens = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opens(browser: Browser, tmp_path: Path) -> Iterator[Opens]:
    """Open a page, without motion unless asked for; whatever it complains of, or asks the network for, is a failure."""
    said: list[str] = []
    contexts = []

    def opener(name: str = "dropped", *, width: int = 1440, scheme: str = "light", motion: str = "reduce") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion=motion
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
        (tmp_path / f"{name}.html").write_text(html(PAGES[name]), encoding="utf-8")
        page.goto((tmp_path / f"{name}.html").as_uri())
        return page

    yield opener
    for context in contexts:
        context.close()
    assert said == []


def lit(page: Page) -> list[str]:
    return page.eval_on_selector_all(".stage .lit", "boxes => boxes.map((box) => box.dataset.id)")


def shown(page: Page) -> str:
    return page.locator(".scene:visible h2").inner_text()


def test_the_keyboard_alone_steps_plays_and_goes_to_the_ends(opens: Opens) -> None:
    page = opens()
    assert shown(page) == "The start"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert shown(page) == "2. creates ReplicaSet web-7f99dd7c88"
    assert lit(page) == ["deployment-controller"]
    page.keyboard.press("ArrowLeft")
    assert shown(page).startswith("1. ")
    page.keyboard.press("End")
    assert "VIOLATED" in page.locator("#now").inner_text()
    page.keyboard.press("ArrowRight")
    assert shown(page).startswith("11. ")
    page.keyboard.press("Home")
    assert shown(page) == "The start"
    page.keyboard.press("Space")
    assert page.locator("#play").get_attribute("aria-pressed") == "true"
    page.wait_for_function("location.hash === '#step-1'")
    page.keyboard.press("Space")
    assert page.locator("#play").inner_text() == "Play"


def test_everything_is_reached_with_tab_and_pressed_with_the_keyboard(opens: Opens) -> None:
    page = opens()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert reached[:4] == ["To the steps", "scrub", "play", "on"]
    page.focus("#scrub")
    page.keyboard.press("ArrowRight")
    assert shown(page).startswith("1. ")
    page.focus(".list li:nth-child(6) button")
    page.keyboard.press("Enter")
    assert shown(page).startswith("5. ")


def test_the_bar_scrubs_and_says_where_it_is(opens: Opens) -> None:
    page = opens()
    page.locator("#scrub").fill("9")
    assert shown(page).startswith("9. ")
    assert page.locator("#scrub").get_attribute("aria-valuetext").startswith("9 of 11. deployment-controller")
    assert page.locator(".list [aria-current]").inner_text().startswith("9")


def test_who_acts_is_lit_and_the_way_of_its_message_is_drawn(opens: Opens) -> None:
    page = opens()
    page.evaluate("location.hash = '#step-5'")
    page.wait_for_function("document.querySelector('#scrub').value === '5'")
    page.reload()
    assert shown(page) == "5. binds Pod web-7f99dd7c88-p3 to node-1"
    assert lit(page) == ["scheduler"]
    assert page.locator(".wire").count() == 2
    assert page.locator("[data-id='pods:node-1'] li.changed").inner_text().startswith("web-7f99dd7c88-p3")


def test_a_message_travels_unless_motion_is_not_wanted(opens: Opens) -> None:
    still, moving = opens(), opens("tour", motion="no-preference")
    for page in (still, moving):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
    assert still.locator(".message").count() == 0
    message = moving.locator(".message")
    assert message.count() == 1
    before = message.bounding_box()
    moving.wait_for_timeout(400)
    assert message.bounding_box() != before
    moving.wait_for_function("document.querySelectorAll('.message').length === 0")


def test_where_the_property_broke_all_says_so(opens: Opens) -> None:
    page = opens()
    assert page.locator(".stage.broken").count() == 0
    page.keyboard.press("End")
    assert page.locator(".stage.broken").count() == 1
    assert page.locator(".breach:visible h3").inner_text() == "Here reachability is VIOLATED"
    assert page.locator("[data-id='kube-proxy:node-1'].blamed").count() == 1
    assert page.locator(".pods .blamed").inner_text().startswith("web-6477c4d4f-p0")


def test_an_old_view_stands_beside_the_store(opens: Opens) -> None:
    page = opens("deadlock")
    page.locator("#scrub").fill("7")
    assert page.locator(".old:visible h3").inner_text() == "It goes by an old view"
    assert page.locator("[data-id='replicaset-controller'] small").inner_text() == "view of the start"


def test_a_lasso_goes_round_and_round(opens: Opens) -> None:
    page = opens("lasso")
    assert page.locator(".lasso").inner_text() == "for ever"
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert shown(page).startswith("5. ")


def test_the_objects_are_those_of_the_step(opens: Opens) -> None:
    page = opens()
    new = page.locator("[data-ref='Pod default/web-7f99dd7c88-p3']")
    assert new.count() == 0
    page.locator("#scrub").fill("3")
    assert "changed" in new.get_attribute("class")
    new.locator("summary").click()
    page.locator("#scrub").fill("5")
    assert "nodeName: node-1" in new.locator("pre").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_at_any_step_of_interest(opens: Opens, name: str, scheme: str) -> None:
    for width in (390, 1440):
        page = opens(name, width=width, scheme=scheme)
        for step in ("0", "3", str(len(PAGES[name].steps))):
            page.locator("#scrub").fill(step)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{width} px, step {step}: {found.generate_report()}"


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen_and_buttons_are_large_enough(opens: Opens, width: int) -> None:
    for name in PAGES:
        page = opens(name, width=width)
        page.keyboard.press("End")
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        across = [page.locator(part).bounding_box() for part in (".list", ".controls", ".objects")]
        beside = [box for box in across if box["y"] < across[1]["y"] + across[1]["height"]]
        places = sorted((box["x"], box["x"] + box["width"]) for box in beside)
        if width >= 1344:
            assert len(places) == 3
            assert all(end <= begin for (_, end), (begin, _) in pairwise(places))
        boxes = [page.locator(f"#{button}").bounding_box() for button in ("back", "play", "on")]
        assert all(box["width"] >= 40 and box["height"] >= 40 for box in boxes)
        assert all(0 <= box["x"] <= width - box["width"] for box in boxes)


def test_without_scripts_every_step_can_be_read(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(html(DROPPED), encoding="utf-8")
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".scene:visible").count() == 12
