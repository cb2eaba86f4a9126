"""Packages as they are sent: made by dpkg-deb, read by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailnix import Domain, __version__
from mailnix.deploy.debs import Debs
from mailnix.errors import BuildError
from mailnix.plan import derive
from mailnix.run import run
from mailnix.services.haraka.npm_tree import HARAKA, NODE, pinned, version
from mailnix.services.mailcow.pin import PIN
from tests.descriptions import sound

NPM = {"Haraka": HARAKA, "Node": NODE}
DEBS = Debs(derive(sound()), lambda _text: None)
pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg is not installed")


def fields(deb: Path) -> list[str]:
    return run(["dpkg-deb", "--showformat=${Package}\\n${Version}\\n", "--show", deb]).stdout.split()


def test_a_generation_of_home_is_a_package_of_that_number(tmp_path: Path) -> None:
    made = DEBS.debs("internal", 7, tmp_path)
    assert list(made) == ["mailnix-internal_7_all.deb"]
    assert fields(made["mailnix-internal_7_all.deb"]) == ["mailnix-internal", "7"]


def test_the_program_is_a_package_of_its_version(tmp_path: Path) -> None:
    assert fields(DEBS.program(tmp_path)) == ["mailnix-generations", DEBS.program_version]


def test_a_tree_of_mailcow_that_is_given_goes_with_home_alone(tmp_path: Path) -> None:
    source = tmp_path / "mailcow"
    source.mkdir()
    (source / "docker-compose.yml").write_text("services: {}\n")
    given = Debs(derive(sound()), lambda _text: None, source)
    made = given.debs("internal", 7, tmp_path / "out")
    generation, tree = made["mailnix-internal_7_all.deb"], next(p for n, p in made.items() if "mailcow" in n)
    name, version = fields(tree)
    assert f"{name} (= {version})" in run(["dpkg-deb", "--field", generation, "Depends"]).stdout
    assert "./usr/share/mailcow-source/docker-compose.yml" in run(["dpkg-deb", "--contents", tree]).stdout
    assert given.digest("internal") != DEBS.digest("internal")
    assert given.digest("proxy") == DEBS.digest("proxy")


def test_a_folder_that_is_no_tree_of_mailcow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="not a tree of Mailcow"):
        Debs(derive(sound()), lambda _text: None, tmp_path)


def test_a_digest_is_the_same_until_the_machine_is_described_otherwise() -> None:
    more = Debs(derive(sound(domains=[*sound().domains, Domain("example.net", ["me"])])), lambda _text: None)
    for host in ("proxy", "internal"):
        assert DEBS.digest(host) == Debs(derive(sound()), lambda _text: None).digest(host)
        assert DEBS.digest(host) != more.digest(host)


def test_a_mailbox_is_home_s_alone() -> None:
    domain, *_ = sound().domains
    more = Debs(derive(sound(domains=[Domain(domain.name, [*domain.mailboxes, "carol"], domain.aliases)])), print)
    assert more.digest("proxy") == DEBS.digest("proxy")
    assert more.digest("internal") != DEBS.digest("internal")


def test_it_says_what_a_generation_is_made_of() -> None:
    assert DEBS.parts("proxy") == {"mailnix": __version__, **{each: pinned(NPM[each]) for each in ("Haraka", "Node")}}
    assert DEBS.parts("internal") == {"mailnix": __version__, "Mailcow": PIN.tag}
    assert (DEBS.mailcow("proxy"), DEBS.mailcow("internal")) == ("", PIN.rev)
    assert pinned(NPM["Haraka"]) == version().partition("+")[0]
