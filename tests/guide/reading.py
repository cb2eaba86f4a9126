"""A page, read back by Python's own parser."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from attrs import define, field

_EMPTY: Final = {"meta", "wbr", "img", "br", "link", "input", "hr", "path", "rect", "circle"}


@define
class Element:
    """An element: its tag, attributes, and all text in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(factory=list)


class Parser(HTMLParser):
    """Collects elements in their order; fails on one that is not closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _EMPTY:  # a browser writes <path></path>
            return
        assert self.open[-1].tag == tag, f"{tag} ends in {self.open[-1].tag}"
        ended = self.open.pop()
        if self.open:
            self.open[-1].children.append(ended)

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(page: str) -> list[Element]:
    """Every element of a page, which is closed and nested as it should be."""
    parser = Parser()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser.elements
