"""What the documentation says about descriptions is true."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import attrs
import pytest

from mailnix import Alias, AppPassword, Backup, Domain, Internal, Mailbox, Proxy, Relay, Topology, Tunnel, __version__
from mailnix.config import load
from mailnix.errors import Severity
from mailnix.model.check import problems
from mailnix.published import State
from mailnix.run import run
from mailnix.zones import opentofu, providers
from mailnix.zones.forms import Form
from tests import pages
from tests.descriptions import sound

DOCS = Path(__file__).parent.parent / "docs"
CHANGELOG = (DOCS.parent / "CHANGELOG.md").read_text()
REFERENCE = (DOCS / "reference/description.md").read_text()
WAY = re.compile(r'^ {4}"(.+)": Traffic\(', re.M)


def test_the_examples_in_python_and_toml_are_one_value() -> None:
    assert load(DOCS / "examples/two_machines.py") == load(DOCS / "examples/two_machines.toml")


KINDS = [Topology, Proxy, Internal, Backup, Tunnel, Relay, Domain, Mailbox, AppPassword, Alias]


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_names_each_field_and_its_default(kind: type[attrs.AttrsInstance]) -> None:
    section = REFERENCE.split(f"## {kind.__name__}\n")[1].split("\n## ")[0]
    rows = {
        name: row
        for row in section.splitlines()
        for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert set(rows) == {field.name for field in attrs.fields(kind)}
    for field in attrs.fields(kind):
        if isinstance(field.default, str | int) and field.default != "":
            assert str(field.default) in rows[field.name], field.name


def test_the_domains_that_the_page_about_addresses_describes_are_sound() -> None:
    (text,) = re.findall(r"^```python\n(domains = .*?)^```", (DOCS / "howto/addresses.md").read_text(), re.M | re.S)
    names = {"Alias": Alias, "AppPassword": AppPassword, "Domain": Domain, "Mailbox": Mailbox}
    exec(text, names)  # our own page
    assert problems(sound(domains=names["domains"])) == ()


def test_the_page_about_records_names_each_provider_form_and_state() -> None:
    page = (DOCS / "howto/dns.md").read_text()
    known = {*providers.KNOWN, *opentofu.PROVIDERS}
    assert not [name for name in known if f"`{name}`" not in page]
    assert not [form for form in Form if f"--format {form}" not in page and f"--{form}" not in page]
    assert not [state for state in State if f"| {state} |" not in page]


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page}: {target}"


TOLD = [
    pytest.param(words, id=f"{page.stem}: {' '.join(words)}")
    for page in [*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"]
    for command in pages.commands(page)
    for words in pages.called(command)
]


@pytest.mark.parametrize("words", TOLD)
def test_a_command_that_a_page_tells_is_one_that_mailnix_takes(words: list[str]) -> None:
    pages.parse(words)


def test_the_changelog_says_when_this_version_was_released_and_what_it_brings() -> None:
    section = CHANGELOG.partition(f"\n## {__version__} (")[2].partition("\n## ")[0]
    assert re.match(r"\d{4}-\d\d-\d\d\)\n", section), f"CHANGELOG.md has no dated section of {__version__}"
    lines = [line for line in section.partition("### ")[2].splitlines()[1:] if line and not line.startswith("### ")]
    assert lines
    assert [line for line in lines if not re.match(r"- \*\*[a-z]+\*\*: |  \S", line)] == []
    assert sorted(set(lines)) == sorted(lines), "a line stands there twice: merges of this file keep both sides"


def test_every_path_that_the_page_for_contributors_names_is_there() -> None:
    root = DOCS.parent
    named = re.findall(r"`([\w./-]+/[\w./-]*|[\w.-]+\.(?:py|md|toml|nix))`", (root / "CONTRIBUTING.md").read_text())
    assert len(named) > 20
    inside = ("guest/", "tests/", "checks.py", "assertions.nix")  # a name that several folders have
    assert [path for path in named if path not in inside and not (root / path).exists()] == []


def test_the_page_about_capacity_has_the_tables_that_its_benchmark_prints() -> None:
    page = (DOCS / "reference/capacity.md").read_text()
    script = DOCS.parent / "benchmarks/capacity.py"
    printed = run([sys.executable, script, "--only", "proxies"], timeout=120).stdout.splitlines()
    rows = [line for line in printed if line.startswith("| ")]
    assert len(rows) > 3
    for line in rows:
        what = line.split(" | ")[:3]  # figures are another machine's
        assert " | ".join(what) in page
    assert all(f"| {name} |" in page for name in WAY.findall(script.read_text()))


PIECES = [
    pytest.param(text, id=f"{page.stem}: {' '.join(text.split())[:60]}")
    for page in sorted(DOCS.rglob("*.md"))
    for text in re.findall(r"^```python\n((?:Proxy|Internal)\(.*?)^```", page.read_text(), re.M | re.S)
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_machine_that_a_page_describes_is_sound(piece: str) -> None:
    machine = eval(piece, {"Proxy": Proxy, "Internal": Internal})  # our own pages
    changed = {"internal": machine} if isinstance(machine, Internal) else {"proxies": [machine]}
    wrong = [problem for problem in problems(sound(**changed)) if problem.severity is Severity.ERROR]
    assert wrong == []
