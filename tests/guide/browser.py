"""A real browser for tests: headless Chromium, over its DevTools protocol and a pair of pipes.

Source: chromedevtools.github.io/devtools-protocol. Pipes (fd 3 in, fd 4 out, JSON ended by NUL) need no port.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, field

FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"),
)
TIMEOUT: Final = 120.0  # seconds, for one answer: a machine that is busy with others is slow
_HIGH: Final = 10  # fds that are in nobody's way when they are put at 3 and 4
_START: Final = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
Right = Callable[[dict[str, Any]], bool]


@define
class Browser:
    """A browser; what it tells unasked is kept in `events`."""

    into: int
    out: int
    events: list[dict[str, Any]] = field(factory=list)
    _rest: bytes = b""
    _last: int = 0

    def ask(self, method: str, session: str | None = None, /, **values: Any) -> dict[str, Any]:
        """Call a method and wait for its answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": values}
        os.write(self.into, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + TIMEOUT
        while True:
            said = self._next(deadline)
            if said.get("id") == self._last:
                assert "error" not in said, f"{method}: {said['error']}"
                return dict(said["result"])
            self.events.append(said)

    def until(self, method: str, session: str, right: Right = lambda _: True) -> dict[str, Any]:
        """Wait for an event with the right parameters, unless it has come; gives them."""
        deadline = time.monotonic() + TIMEOUT
        seen = 0
        while True:
            for event in self.events[seen:]:
                if (event["method"], event.get("sessionId")) == (method, session) and right(event["params"]):
                    return dict(event["params"])
            seen = len(self.events)
            self.events.append(self._next(deadline))

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.out], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"Chromium said nothing for {TIMEOUT} s"
            read = os.read(self.out, 1 << 20)
            assert read, "Chromium ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))

    def page(self, path: Path, width: int = 1000, *, dark: bool = False, scripts: bool = True) -> Page:
        """A file, opened in a new tab of that width (CSS pixels)."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable", session)
        page = Page(self, session, target, path)
        page.wide(width)
        page.colours(dark=dark)
        self.ask("Emulation.setScriptExecutionDisabled", session, value=not scripts)
        self.ask("Page.navigate", session, url=path.as_uri())
        self.until("Page.loadEventFired", session)
        return page


@define
class Page:
    """A tab."""

    browser: Browser
    session: str
    target: str
    path: Path

    def ask(self, method: str, **values: Any) -> dict[str, Any]:
        """Call a method of this tab."""
        return self.browser.ask(method, self.session, **values)

    def wide(self, width: int, height: int = 900) -> None:
        """Make it as wide as a screen (CSS pixels)."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def colours(self, *, dark: bool) -> None:
        """Which colours whoever reads prefers."""
        wish = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=wish)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is, a promise's outcome too."""
        how = {"returnByValue": True, "awaitPromise": True, "userGesture": True}
        said = self.ask("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def told(self, *methods: str) -> list[dict[str, Any]]:
        """The parameters of events of this tab."""
        mine = (event for event in self.browser.events if event.get("sessionId") == self.session)
        return [event["params"] for event in mine if event["method"] in methods]

    def picture(self) -> bytes:
        """A PNG of the whole page."""
        return b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return b64decode(self.ask("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"])

    def close(self) -> None:
        """Close the tab."""
        self.browser.ask("Target.closeTarget", targetId=self.target)


@contextmanager
def browser(program: str, folder: Path) -> Iterator[Browser]:
    """A browser that lives as long as the block, with an empty profile in `folder`."""
    (their_in, our_in), (our_out, their_out) = os.pipe(), os.pipe()
    theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD, _HIGH) for fd in (their_in, their_out)]
    os.close(their_in)
    os.close(their_out)
    words = [sys.executable, "-c", _START, *map(str, theirs), program, *FLAGS, f"--user-data-dir={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    for fd in theirs:
        os.close(fd)
    found = Browser(our_in, our_out)
    try:
        yield found
        found.ask("Browser.close")
        process.wait(TIMEOUT)
    finally:
        process.kill()
        process.wait()
        os.close(our_in)
        os.close(our_out)
