"""Prints Nix values in the shape of RFC 166 (what nixfmt would leave alone), right by construction.

No formatter or validator is asked afterwards: every string is escaped here, tests read what is printed back with a
real `nix-instantiate`, and compare it with what nixfmt prints where there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mailnix.formats.nix import Apply, Attrs, Entry, Lambda, NixValue, PathLiteral, Raw

WIDTH = 100  # columns of a line, not counting its indentation
FLAT_ARGUMENTS = 2  # more than these stand on a line each
SHORT_PATH = 4  # names of an attribute path that leave their value beside them
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
_KEYWORDS = frozenset({"assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"})
_QUOTED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INT64 = 1 << 63


def render(value: NixValue) -> str:
    """The text of a file that holds `value`; raises ValueError for what Nix cannot express (NUL, lone surrogates)."""
    return _text(value, 0, 0) + "\n"


def _text(value: NixValue, depth: int, taken: int) -> str:
    """A value within lines indented `depth` times; `taken` columns of its first line are not its own."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return _number(value)
        case str():
            return string(value, depth)
        case PathLiteral():
            return value.text
        case Raw():
            return re.sub(r"\n(?!\n)", "\n" + _pad(depth), value.text)
        case Apply():
            return _apply(value, depth, taken)
        case Attrs():
            return _set(value.entries, depth)
        case Lambda():
            return _lambda(value, depth)
        case Mapping():
            return _set([Entry((str(name),), inner) for name, inner in value.items()], depth)
        case Sequence():
            return _list(value, depth, taken)
    raise TypeError(f"no Nix value: {type(value).__name__}")


def _pad(depth: int) -> str:
    return "  " * depth


def _number(value: int) -> str:
    if not -_INT64 < value < _INT64:  # the smallest integer has no literal: Nix reads -N as a negation of N
        raise ValueError(f"Nix integers have 64 bits: {value}")
    return str(value)


def _atom(value: NixValue, depth: int, taken: int) -> str:
    """As a list element or an argument: in parentheses where it would otherwise fall apart."""
    text = _text(value, depth, taken + 2)
    return f"({text})" if _falls_apart(value) else text


def _falls_apart(value: NixValue) -> bool:
    match value:
        case Apply() | Lambda() | Raw(atom=False):
            return True
        case int():
            return value < 0
    return False


def _apply(value: Apply, depth: int, taken: int) -> str:
    """On one line where that fits; else what is broken is the last argument, and that inside of its own brackets."""
    *others, last = value.arguments
    head = " ".join([value.function, *(_atom(argument, depth, 0) for argument in others)])
    flat = f"{head} {_atom(last, depth, 0)}"
    if _fits(flat, taken):
        return flat
    if _falls_apart(last):
        return f"{head} (\n{_pad(depth + 1)}{_text(last, depth + 1, 0)}\n{_pad(depth)})"
    return f"{head} {_text(last, depth, taken + len(head) + 1)}"


def _fits(text: str, taken: int) -> bool:
    return "\n" not in text and taken + len(text) <= WIDTH


def _lambda(value: Lambda, depth: int) -> str:
    head = "".join(f"# {line}".rstrip() + "\n" for line in value.head.splitlines())
    names = [*value.arguments, "..."]
    one_line = "{ " + ", ".join(names) + " }:"
    if len(value.arguments) > FLAT_ARGUMENTS:
        one_line = "{\n" + "".join(f"  {name},\n" for name in value.arguments) + "  ...\n}:"
    body = _text(value.body, depth, 0)
    gap = "\n" if "\n" in body else ""  # nixfmt breaks what is empty below a blank line
    return f"{head}{one_line}\n{gap}{body}"


def _list(items: Sequence[NixValue], depth: int, taken: int) -> str:
    """Only what has one element may stand on one line."""
    if not items:
        return "[ ]"
    if len(items) == 1:
        flat = f"[ {_atom(items[0], depth, 0)} ]"
        if _fits(flat, taken):
            return flat
    inner = "".join(f"{_pad(depth + 1)}{_atom(item, depth + 1, 0)}\n" for item in items)
    return f"[\n{inner}{_pad(depth)}]"


def _set(entries: Sequence[Entry], depth: int) -> str:
    if not entries:
        return "{ }"
    lines: list[str] = []
    for position, entry in enumerate(entries):
        if entry.gap and position:
            lines.append("")
        lines.extend(f"{_pad(depth + 1)}# {line}".rstrip() for line in entry.why.splitlines())
        path, value = _shortened(entry)
        lines.append(_definition([*map(name, path)], value, depth + 1))
    return "{\n" + "\n".join(lines) + f"\n{_pad(depth)}}}"


def _definition(names: Sequence[str], value: NixValue, depth: int) -> str:
    """`names = value;`. What is too long and cannot be broken stands below its names where these are many or quoted."""
    head = ".".join(names) + " ="
    text = _text(value, depth, len(head) + 2)
    short = len(names) <= SHORT_PATH and all(map(_IDENTIFIER.fullmatch, names))
    if short or "\n" in text or _fits(text, len(head) + 2):
        gap = "" if text.startswith("\n") else " "
        return f"{_pad(depth)}{head}{gap}{text};"
    return f"{_pad(depth)}{head}\n{_pad(depth + 1)}{_text(value, depth + 1, 1)};"


def _shortened(entry: Entry) -> tuple[tuple[str, ...], NixValue]:
    """`a = { b = 1; }` as `a.b = 1`, as people write it: a set of one definition becomes part of the path."""
    path, value = entry.path, entry.value
    while True:
        match value:
            case Attrs(entries=(Entry(why="") as only,)):
                path, value = path + only.path, only.value
            case Mapping() if len(value) == 1:
                ((inner, value),) = value.items()
                path = (*path, str(inner))
            case _:
                return path, value


def name(text: str) -> str:
    """An attribute name, quoted where it is no identifier."""
    return text if _IDENTIFIER.fullmatch(text) and text not in _KEYWORDS else _quoted(text)


def string(text: str, depth: int = 0) -> str:
    """A string: in quotes on one line, or between double single quotes where it has several."""
    if "\0" in text:
        raise ValueError("Nix strings cannot hold a NUL character")
    text.encode()  # lone surrogates raise UnicodeEncodeError, a ValueError
    lines = text.split("\n")
    blank_end = lines[-1] != "" and not lines[-1].strip(" ")
    if len(lines) < 2 or "\r" in text or not text.strip(" \n") or blank_end or (len(lines) == 2 and lines[1] == ""):
        return _quoted(text)
    return _indented(lines, depth)


def _quoted(text: str) -> str:
    escaped = "".join(_QUOTED.get(character, character) for character in text)
    return '"' + escaped.replace("${", "\\${") + '"'


def _indented(lines: Sequence[str], depth: int) -> str:
    pad = _pad(depth + 1)
    last = len(lines) - 1
    escaped = [_escape(line, ends=number == last) for number, line in enumerate(lines)]
    if not any(line and line[0] != " " for line in lines):
        first = next(number for number, line in enumerate(lines) if line.strip(" "))
        escaped[first] = "''\\" + escaped[first]  # keeps Nix from taking the text's own indentation for ours
    body = "\n".join(pad + line if line else "" for line in escaped[:last])
    end = _pad(depth) if lines[last] == "" else pad + escaped[last]
    return f"''\n{body}\n{end}''"


def _escape(line: str, *, ends: bool) -> str:
    return "".join(_pieces(line, ends))


def _pieces(line: str, ends: bool) -> Iterator[str]:
    """A line's characters, escaped: `''` and `${` mean something, and a `'` beside them would change what they mean."""
    for position, character in enumerate(line):
        after = line[position + 1 : position + 2]
        if character == "$" and after == "{":
            yield "''$"
        elif character == "'" and (after in ("'", "$") or (ends and not after)):
            yield "''\\'"
        else:
            yield character
