"""The page in a real browser: on a phone and a large screen, by day and by night, on paper, by keyboard, unscripted."""

from __future__ import annotations

import re
import shutil
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from unicodedata import normalize

import pytest

from mailnix.guide.codes import thunderbird
from mailnix.guide.servers import reading, sending, servers
from mailnix.model.clientport import KNOWN
from mailnix.run import run
from tests.descriptions import many, sound
from tests.guide.browser import Browser, Page, browser
from tests.guide.conftest import FINDINGS, LONG, many_ways, page_of, plan_of, typed
from tests.guide.reading import Element, read

KEYS = {"Enter": 13, "Tab": 9}
NO_CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    throw new Error("no background");
  };
  const under = (text, svg) => {  // the last shape drawn before a text that its middle is in
    const middle = (({ x, y, width, height }) => [x + width / 2, y + height / 2])(text.getBoundingClientRect());
    const holds = (e) => (({ left, right, top, bottom }) =>
      left <= middle[0] && middle[0] <= right && top <= middle[1] && middle[1] <= bottom)(e.getBoundingClientRect());
    const before = (e) => e.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
    const shape = [...svg.querySelectorAll("rect, circle")].filter((e) => before(e) && holds(e)).at(-1);
    return shape ? numbers(getComputedStyle(shape).fill) : behind(svg);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const wrong = [];
  let count = 0;
  let pictured = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("script, style, title")) continue;
    const drawn = element.closest("svg");
    const colour = numbers(getComputedStyle(element)[drawn ? "fill" : "color"]);
    const [a, b] = [light(colour), light(drawn ? under(element, drawn) : behind(element))].sort((x, y) => y - x);
    count += 1;
    pictured += Boolean(drawn);
    if ((a + 0.05) / (b + 0.05) < 4.5) wrong.push(walker.currentNode.data.trim().slice(0, 40));
  }
  return { count, pictured, wrong };
})()
"""
"""Texts whose contrast is less than 4.5 to 1 (WCAG 2.2, 1.4.3), and how many texts there are."""
PICTURE_TEXTS = """
[...document.querySelectorAll(".picture text")].map((text) => {
  const { x, y, width, height } = text.getBBox();
  return [text.textContent, x, y + 2, x + width, y + height - 2];  // lines may touch
})
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with browser(program, tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages, as files."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {
        "sound": page_of(sound()),
        "every kind": page_of(many_ways(), findings=FINDINGS),
        "many": page_of(many(30, 100)),
        "long": page_of(sound(hostname=f"mail.{LONG}.example", client_services=[client.name for client in KNOWN])),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in pages}


def click(page: Page, selector: str) -> None:
    """Click the middle of an element, as a mouse does."""
    script = f"""(() => {{
      const e = document.querySelector({selector!r}); e.scrollIntoView({{block: "center"}});
      const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2];
    }})()"""
    x, y = page.value(script)
    for kind in ("mousePressed", "mouseReleased"):
        page.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def press(page: Page, key: str) -> None:
    """Press a key and let it go."""
    code = KEYS[key]
    text = {"text": "\r"} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        page.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)


def copied(page: Page, text: str) -> object:
    """What is in the clipboard once the page says that it has copied this text."""
    page.value(f"""new Promise((done) => {{
      const look = () =>
        document.getElementById("said").textContent === "Copied {text}" ? done() : requestAnimationFrame(look);
      look();
    }})""")
    return page.value("navigator.clipboard.readText()")


def quiet(page: Page) -> list[object]:
    """What the page said on the console, which should be nothing, and what it asked for but itself."""
    said: list[object] = list(page.told("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"))
    asked = [each["request"]["url"] for each in page.told("Network.requestWillBeSent")]
    return said + [url for url in asked if url != page.path.as_uri()]


@pytest.mark.parametrize("name", ["sound", "every kind", "many", "long"])
def test_nothing_is_wider_than_a_phone_or_a_screen_and_nothing_is_asked_of_a_network(
    chromium: Browser, files: dict[str, Path], name: str
) -> None:
    page = chromium.page(files[name], 360)
    for width in (360, 800, 1400):
        page.wide(width)
        wide = "[...document.querySelectorAll('body *')].filter(e => !e.closest('.skip, .sr, defs')"
        wide += " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), page.value(wide)
    assert quiet(page) == []
    page.close()


def test_every_text_has_contrast_by_day_and_by_night(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["every kind"])
    backgrounds = set()
    for dark in (False, True):
        page.colours(dark=dark)
        found = page.value(NO_CONTRAST)
        assert found["wrong"] == []
        assert found["count"] > 300
        backgrounds.add(page.value("getComputedStyle(document.body).backgroundColor"))
        assert found["pictured"] > 20
    assert len(backgrounds) == 2
    page.close()


@pytest.mark.parametrize("name", ["sound", "every kind", "long"])
def test_no_text_of_the_picture_leaves_it_or_covers_another(
    chromium: Browser, files: dict[str, Path], name: str
) -> None:
    page = chromium.page(files[name], 360)
    texts = page.value(PICTURE_TEXTS)
    assert len(texts) > 20
    for number, (text, left, top, right, bottom) in enumerate(texts):
        assert left >= 0, text
        assert right <= 344, text
        for other, left2, top2, right2, bottom2 in texts[:number]:
            apart = left >= right2 or left2 >= right or top >= bottom2 or top2 >= bottom
            assert apart, f"{text} covers {other}"
    page.close()


def test_a_button_copies_by_mouse_and_by_keyboard_and_says_so(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["sound"])
    chromium.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.ask("Page.bringToFront")
    click(page, "[aria-label='Copy value of MX example.org']")
    assert copied(page, "mail.example.org.") == "mail.example.org."
    for label, text in {
        "name of MX example.org": "@",
        "name of CNAME mta-sts.example.org": "mta-sts",
        "user name alice@example.org": "alice@example.org",
        "command mailnix check mail.py": "mailnix check mail.py",
    }.items():
        page.value(f"document.querySelector(\"[aria-label='Copy {label}']\").focus()")
        press(page, "Enter")
        assert copied(page, text) == text
    assert quiet(page) == []
    page.close()


def test_where_the_clipboard_is_closed_the_older_way_is_taken(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["sound"])
    chromium.ask("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.ask("Page.bringToFront")
    page.value("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    click(page, "[aria-label='Copy value of MX example.org']")
    assert copied(page, "mail.example.org.") == "mail.example.org."
    page.close()


@pytest.mark.parametrize("name", ["alice@example.org.mobileconfig", "example.org.zone"])
def test_files_that_are_in_the_page_are_saved_under_their_names(
    chromium: Browser, files: dict[str, Path], tmp_path: Path, name: str
) -> None:
    page = chromium.page(files["sound"])
    page.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
    page.ask("Page.bringToFront")
    link = f"a[download='{name}']"
    click(page, link)
    said = chromium.until("Browser.downloadProgress", page.session, lambda said: said["state"] == "completed")
    assert said["totalBytes"] > 1000
    (saved,) = tmp_path.iterdir()
    assert saved.name == name
    assert saved.read_bytes() == b64decode(page.value(f"document.querySelector({link!r}).href.split(',')[1]"))
    page.close()


def test_whoever_goes_by_keyboard_sees_where_they_are(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["sound"])
    page.ask("Page.bringToFront")
    seen = []
    for _ in range(12):
        press(page, "Tab")
        where = "document.activeElement"
        outline = page.value(f"getComputedStyle({where}).outlineStyle")
        on_screen = page.value(f"(r => r.left >= 0 && r.top >= 0 && r.width > 0)({where}.getBoundingClientRect())")
        seen.append((page.value(f"{where}.textContent"), outline, on_screen))
    assert seen[0][0] == "Skip to the guide"
    assert all(outline == "solid" and on_screen for _, outline, on_screen in seen), seen
    assert "Copy" in {text for text, _, _ in seen}
    page.close()


def test_whatever_can_be_used_or_seen_has_a_name(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["every kind"])
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in ("button", "link", "image", "region", "navigation")
    ]
    assert {role for role, _ in named} == {"button", "link", "image", "region", "navigation"}
    assert [role for role, name in named if not name.strip()] == []
    buttons = [name for role, name in named if role == "button"]
    assert all(name.startswith("Copy ") and len(name) > 6 for name in buttons)
    page.close()


def test_without_scripts_everything_is_there_but_the_buttons(chromium: Browser, files: dict[str, Path]) -> None:
    page = chromium.page(files["every kind"], scripts=False)
    html = page.ask("DOM.getOuterHTML", nodeId=page.ask("DOM.getDocument")["root"]["nodeId"])["outerHTML"]
    assert "<button" not in html
    texts = " ".join(element.text for element in read(files["every kind"].read_text()) if element.tag == "main")
    shown = " ".join(element.text for element in read(html) if element.tag == "main")
    assert shown.split() == texts.split()
    assert quiet(page) == []
    page.close()


@pytest.fixture
def printed(chromium: Browser, files: dict[str, Path], tmp_path: Path) -> Callable[[str], str]:
    """What can be read on paper of a page, without blanks."""

    def read_paper(name: str) -> str:
        if shutil.which("pdftotext") is None:
            pytest.skip("pdftotext is not installed: apt-get install poppler-utils")
        page = chromium.page(files[name], dark=True)
        (tmp_path / "page.pdf").write_bytes(page.pdf())
        page.close()
        return squeezed(run(["pdftotext", "-raw", tmp_path / "page.pdf", "-"]).stdout)

    return read_paper


def squeezed(text: str) -> str:
    """A text without blanks, ligatures and capitals."""
    return re.sub(r"\s+", "", normalize("NFKC", text)).casefold()


def test_paper_hides_nothing_and_has_no_buttons(files: dict[str, Path], printed: Callable[[str], str]) -> None:
    (body,) = [element for element in read(files["sound"].read_text()) if element.tag == "body"]
    wanted = [squeezed(text) for text in shown(body)]
    assert len(wanted) > 200
    paper = printed("sound")
    assert [text for text in wanted if text not in paper] == []
    assert paper.count("copy") == "".join(wanted).count("copy")


def shown(element: Element) -> list[str]:
    """The texts of a page's innermost elements, but for what is there for screen readers alone."""
    if element.tag in ("title", "script") or element.attributes.get("class") in ("sr", "skip"):
        return []
    if element.children:
        return [text for child in element.children for text in shown(child)]
    return [element.text]


def test_paper_has_every_record(printed: Callable[[str], str]) -> None:
    together = printed("every kind")
    for record in plan_of(many_ways()).records:
        assert squeezed(typed(record)) in together, record


@pytest.mark.parametrize("dark", [False, True], ids=["by day", "by night"])
def test_a_phone_reads_the_codes(chromium: Browser, files: dict[str, Path], tmp_path: Path, dark: bool) -> None:
    if shutil.which("zbarimg") is None:
        pytest.skip("zbarimg is not installed: apt-get install zbar-tools")
    page = chromium.page(files["sound"], 800, dark=dark)
    (tmp_path / "page.png").write_bytes(page.picture())
    page.close()
    found = set(run(["zbarimg", "--quiet", "--raw", tmp_path / "page.png"]).stdout.splitlines())
    plan = plan_of(sound())
    offered = servers("mail.example.org", plan.internal.client_ports)
    wanted = {"https://mail.example.org/mobileconfig.php"}
    for mailbox in plan.topology.domains[0].mailboxes:
        reads, sends = reading(offered, mailbox), sending(offered, mailbox)
        assert reads is not None
        assert sends is not None
        wanted.add(thunderbird(reads, sends, f"{mailbox.local_part}@example.org", mailbox.local_part))
    assert found == wanted
