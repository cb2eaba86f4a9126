"""The picture of both machines: where each text and line of it stands. Sizes are units of its own, near CSS pixels.

It is as narrow as a telephone, so that nobody has to scale or scroll it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from mailnix.model import ports
from mailnix.model.names import to_unicode
from mailnix.plan import Plan, ProxyPlan

WIDTH: Final = 344
COLUMNS: Final = (45, 130, 214, 299)
_ROW: Final = 17
_APART: Final = 7
_GAP: Final = 48  # of an arrow with its number, but for its ports
_LONGEST: Final = 41  # characters of a name that fit in a box
_PORTS_IN_ROW: Final = 2


@frozen
class Flow:
    """A way that mail or a page takes; `programs` are what carries it at the proxy and at home."""

    number: int
    x: int
    rows: tuple[str, ...]
    outward: bool
    programs: tuple[str, str]

    @property
    def ports(self) -> str:
        """Its ports in one line."""
        return ", ".join(" ".join(self.rows).split())


@frozen
class Line:
    """A line of text in a box."""

    y: int
    text: str
    strong: bool = False


@frozen
class Picture:
    """Tops and heights of the boxes, from the internet down to home, and what stands in them."""

    flows: tuple[Flow, ...]
    proxy_top: int
    proxy_lines: tuple[Line, ...]
    proxy_height: int
    home_top: int
    home_lines: tuple[Line, ...]
    home_height: int
    tunnel: str

    @property
    def height(self) -> int:
        """Of the whole."""
        return self.home_top + self.home_height + 26


def picture(plan: Plan) -> Picture:
    """The picture of a plan."""
    ways = flows(plan)
    proxy_top = 58 + _GAP + 14 * max(len(flow.rows) for flow in ways)
    proxy_lines = tuple(_lines(text for proxy in plan.proxies for text in _proxy_texts(proxy)))
    proxy_height = proxy_lines[-1].y + 43
    home_top = proxy_top + proxy_height + 86
    home_lines = tuple(_lines([(plan.internal.name, True), (f"Mailcow, {plan.internal.ipv4}", False)]))
    return Picture(
        flows=ways,
        proxy_top=proxy_top,
        proxy_lines=proxy_lines,
        proxy_height=proxy_height,
        home_top=home_top,
        home_lines=home_lines,
        home_height=home_lines[-1].y + 43,
        tunnel=f"WireGuard, UDP {plan.topology.tunnel.port}",
    )


def flows(plan: Plan) -> tuple[Flow, ...]:
    """The ways, in the order of their numbers; that of mail programs only where they have a port."""
    smtp, web = str(ports.SMTP), (str(ports.HTTP), str(ports.HTTPS))
    clients = [str(client.port) for client in plan.internal.client_ports]
    ways = (
        ((smtp,), False, ("haraka-in", "Postfix")),
        ((smtp,), True, ("haraka-out", "Postfix")),
        (clients, False, ("nftables", "Dovecot")),
        (web, False, ("Caddy", "nginx")),
    )
    there = (way for way in ways if way[0])
    return tuple(
        Flow(number, COLUMNS[number - 1], _rows(used), outward, programs)
        for number, (used, outward, programs) in enumerate(there, start=1)
    )


def _rows(words: Sequence[str]) -> tuple[str, ...]:
    starts = range(0, len(words), _PORTS_IN_ROW)
    return tuple(" ".join(words[start : start + _PORTS_IN_ROW]) for start in starts)


def _proxy_texts(proxy: ProxyPlan) -> Iterator[tuple[str, bool]]:
    yield proxy.name, True
    yield to_unicode(proxy.hostname), False
    yield str(proxy.ipv4), False
    if proxy.ipv6 is not None:
        yield str(proxy.ipv6), False


def _lines(texts: Iterable[tuple[str, bool]]) -> Iterator[Line]:
    """One below the other, a machine's name a little apart from the machine before."""
    y = 24 - _ROW
    for number, (text, strong) in enumerate(texts):
        y += _ROW + (_APART if strong and number else 0)
        yield Line(y, shortened(text), strong)


def shortened(text: str) -> str:
    """A text that fits in a box: what a long one lacks in its middle stands beside the picture, whole."""
    if len(text) <= _LONGEST:
        return text
    half = (_LONGEST - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
