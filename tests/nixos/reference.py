"""docs/reference/modules.md from the modules themselves: `python tests/nixos/reference.py TREE` writes it anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/reference/modules.md"
HEAD = """\
# Options of the NixOS modules

Generated from the modules, by `tests/nixos/reference.py`. How to use them: [On NixOS](../howto/nixos.md).
"""
SECTIONS = {"services.haraka": "services.haraka", "services.mailcow": "services.mailcow", "mailnix": "mailnix"}


def expression(tree: Path | str) -> str:
    """What Nix is asked for."""
    modules = f"[ (import {REPOSITORY}/modules).default ]"
    return f"import {REPOSITORY}/tests/nixos/options.nix {{ tree = {tree}; modules = {modules}; }}"


def page(options: list[dict[str, Any]]) -> str:
    """The page's text."""
    lines = [HEAD]
    for prefix, title in SECTIONS.items():
        lines.append(f"## {title}\n")
        for option in sorted(options, key=lambda o: str(o["name"])):
            if option["name"].startswith(prefix + "."):
                lines += entry(option)
    return "\n".join(lines).rstrip() + "\n"


def entry(option: dict[str, Any]) -> list[str]:
    """One option."""
    lines = [f"### `{option['name']}`\n", plain(option["description"]).strip() + "\n", f"*Type:* {option['type']}\n"]
    for label in ("default", "example"):
        if option[label] is not None:
            lines += value(label.capitalize(), option[label].rstrip())
    return lines


def value(label: str, text: str) -> list[str]:
    """A default or an example: beside its label where it is short."""
    if "\n" in text:
        return [f"*{label}:*\n", "```nix", text, "```\n"]
    return [f"*{label}:* `{text}`\n"]


def plain(text: str) -> str:
    """Markdown without the roles that only the NixOS manual knows: {option}`x` as `x`."""
    return re.sub(r"\{[a-z]+\}`", "`", text)


if __name__ == "__main__":
    import importlib.util

    spec = importlib.util.spec_from_file_location("conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(conftest.found().eval(expression(sys.argv[1]))))
