"""Prints Nix values in the shape of RFC 166 (what nixfmt would leave alone), right by construction.

No formatter or validator is asked afterwards: every string is escaped here, and tests read what is printed back with a
real `nix-instantiate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from mailnix.nixos.value import Apply, Attrs, Entry, Lambda, NixValue, PathLiteral, Raw

WIDTH = 100  # columns: what nixfmt breaks function heads at
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_'-]*")
_KEYWORDS = frozenset({"assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"})
_QUOTED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INT64 = 1 << 63


def render(value: NixValue) -> str:
    """The text of a file that holds `value`; raises ValueError for what Nix cannot express (NUL, lone surrogates)."""
    return _text(value, 0) + "\n"


def _text(value: NixValue, depth: int) -> str:
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
            return " ".join([value.function, *(_atom(argument, depth) for argument in value.arguments)])
        case Attrs():
            return _set(value.entries, depth)
        case Lambda():
            return _lambda(value, depth)
        case Mapping():
            return _set([Entry((str(name),), inner) for name, inner in value.items()], depth)
        case Sequence():
            return _list(value, depth)
    raise TypeError(f"no Nix value: {type(value).__name__}")


def _pad(depth: int) -> str:
    return "  " * depth


def _number(value: int) -> str:
    if not -_INT64 < value < _INT64:  # the smallest integer has no literal: Nix reads -N as a negation of N
        raise ValueError(f"Nix integers have 64 bits: {value}")
    return str(value)


def _atom(value: NixValue, depth: int) -> str:
    """As a list element or an argument: in parentheses where it would otherwise fall apart."""
    text = _text(value, depth)
    match value:
        case Apply() | Lambda() | Raw(atom=False):
            return f"({text})"
        case int() if value < 0:
            return f"({text})"
    return text


def _lambda(value: Lambda, depth: int) -> str:
    head = "".join(f"# {line}".rstrip() + "\n" for line in value.head.splitlines())
    names = [*value.arguments, "..."]
    one_line = "{ " + ", ".join(names) + " }:"
    if len(one_line) > WIDTH:
        one_line = "{\n" + "".join(f"  {name},\n" for name in names[:-1]) + "  ...\n}:"
    return f"{head}{one_line}\n\n{_text(value.body, depth)}"


def _list(items: Sequence[NixValue], depth: int) -> str:
    if not items:
        return "[ ]"
    if len(items) == 1:
        only = _atom(items[0], depth)
        if "\n" not in only:
            return f"[ {only} ]"
    return _tall(items, depth)


def _tall(items: Sequence[NixValue], depth: int) -> str:
    inner = "".join(f"{_pad(depth + 1)}{_atom(item, depth + 1)}\n" for item in items)
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
        lines.append(_definition(".".join(map(name, path)), value, depth + 1))
    return "{\n" + "\n".join(lines) + f"\n{_pad(depth)}}}"


def _definition(path: str, value: NixValue, depth: int) -> str:
    """`path = value;`, broken where it would be too long: a list over several lines, an application below its name."""
    text = _text(value, depth)
    gap = "" if text.startswith("\n") else " "
    line = f"{_pad(depth)}{path} ={gap}{text};"
    if "\n" in line or len(line) <= WIDTH:
        return line
    match value:
        case Apply():
            return f"{_pad(depth)}{path} =\n{_pad(depth + 1)}{text};"
        case str() | Mapping():
            return line
        case Sequence():
            return f"{_pad(depth)}{path} = {_tall(value, depth)};"
    return line


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
