"""A machine that was built as an image: what the image laid becomes the generation to go back to."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from mailnix.services.activation.listed import digest as listed_digest
from mailnix.services.generations.guest import adopting, state, verbs
from mailnix.services.generations.guest.adopting import adopt
from mailnix.services.generations.guest.packages import known
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Busy, Refused
from mailnix.tree import Entry, File, Link
from tests.services.generations.scratch import HOST, OURS, Died, Scratch, deaths, deb, packed

PACKAGE: Final = f"mailnix-{HOST}"
HARAKA: Final = "/usr/lib/haraka-of-the-image"
UNITS: Final = "/etc/systemd/system"
LOCK: Final = f"{HARAKA}/package-lock.json"
LAID: Final[tuple[Entry, ...]] = (
    File("/etc/generation", "1"),
    File("/etc/hosts", "127.0.0.1 proxy\n"),
    File("/etc/networks", "wg0 51820\n"),
    File(f"{UNITS}/of-image.service", "[Service]\n"),
    File("/usr/lib/secret-program", "#!/bin/sh\n", mode=0o700),
    Link(f"{UNITS}/multi-user.target.wants/of-image.service", f"{UNITS}/of-image.service"),
    Link(f"{UNITS}/multi-user.target.wants/caddy.service", "/usr/lib/systemd/system/caddy.service"),
    File(LOCK, "{}\n"),
)
CADDYS: Final = LAID[6].path
LINKS: Final = {HOST: {"port": 51820}}


def lay(root: Path, entry: Entry) -> None:
    place = root / entry.path[1:]
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry, Link):
        place.symlink_to(entry.target)
    else:
        place.write_bytes(entry.data)
        place.chmod(entry.mode)


@pytest.fixture
def image(plain: Scratch) -> Scratch:
    """One that runs what its image laid; nothing of it is dpkg's."""
    for entry in (*LAID, File(f"{HARAKA}/node_modules/haraka.js", "Haraka"), Link(f"{HARAKA}/bin", "node_modules")):
        lay(plain.root, entry)
    lay(plain.root, File(plain.names.activate, "#!/bin/sh\n", mode=0o755))
    listed = {"files": {entry.path: listed_digest(entry) for entry in LAID}, "wanted": ["of-image.service"]}
    lay(plain.root, File(plain.names.activates, json.dumps({"read_by": {}, "enabled": [], "masked": [], **listed})))
    (plain.root / "activated").write_text("1\n")
    return plain


def told(**changed: Any) -> io.BytesIO:
    """What a client says."""
    scripts = {name: text.format(number=1) for name, text in OURS.items()}
    scripts["preinst"] = '#!/bin/sh\necho "@HERE@" >"$DPKG_ROOT/shared"\n'
    (networks,) = (entry for entry in LAID if entry.path == "/etc/networks")
    given = {
        "host": HOST,
        "package": PACKAGE,
        "scripts": scripts,
        "shared": ["/etc/hosts", "/etc/caddy/Caddyfile"],
        "here": "@HERE@",
        "trees": {"mailnix-haraka": HARAKA},
        "alike": {networks.path: listed_digest(networks)},
        "made": {"host": HOST, "package": PACKAGE, "digest": "", "by": "alice", "links": LINKS},
    }
    return io.BytesIO(json.dumps({**given, **changed}).encode())


def as_it_is(machine: Scratch) -> dict[str, tuple[str, int, int]]:
    """All that is not what dpkg, the program and a test's script write: digest, owner and inode's mode."""
    ours = ("var", "made", "activated", "shared", "archive")
    found = {}
    for folder, folders, files in os.walk(machine.root):
        for path in (Path(folder) / name for name in (*folders, *files)):
            name = path.relative_to(machine.root)
            if name.parts[0] not in ours and (path.is_symlink() or not path.is_dir()):
                found[f"/{name}"] = (adopting.digest(path), path.lstat().st_uid, path.lstat().st_mode)
    return found


def files(machine: Scratch) -> dict[str, tuple[str, int, int]]:
    """The same without the list of files, which says what is there."""
    return {path: found for path, found in as_it_is(machine).items() if path != machine.names.activates}


def listed(machine: Scratch) -> Mapping[str, str]:
    files: dict[str, str] = json.loads((machine.root / machine.names.activates[1:]).read_bytes())["files"]
    return files


def next_one(machine: Scratch, number: int, files: Mapping[str, str] | None = None) -> None:
    """Receive an ordinary generation, with Haraka of its own."""
    folder = machine.root / "made"
    folder.mkdir(exist_ok=True)
    scripts = {name: text.format(number=number) for name, text in OURS.items()}
    laid = {"etc/generation": str(number), "etc/hosts": "127.0.0.1 proxy\n", **(files or {})}
    debs = [
        deb(folder, PACKAGE, str(number), laid, scripts, "mailnix-haraka (= 3)"),
        deb(folder, "mailnix-haraka", "3", {f"{HARAKA[1:]}/node_modules/haraka.js": "another"}),
    ]
    receive(machine, number, packed(number, debs))


def owned(machine: Scratch, package: str) -> set[str]:
    return set(machine.run(["dpkg", "--listfiles", package]).output.splitlines())


def test_what_runs_becomes_a_generation_and_no_file_changes(image: Scratch) -> None:
    before = as_it_is(image)
    assert adopt(image, told()) == {"current": 1}
    assert as_it_is(image) == before
    assert (image.state.current, image.state.previous, image.state.pending) == (1, None, None)
    made = state.generation(image, 1).made
    assert (made["generation"], made["by"], made["links"], made["digest"]) == (1, "alice", LINKS, "")
    assert sorted(made["debs"]) == ["mailnix-haraka_0~image_amd64.deb", f"{PACKAGE}_1_all.deb"]
    assert verbs.status(image)["drift"] == []
    assert sorted(path.name for path in (image.root / "var/lib/mailnix/generations").iterdir()) == [
        "1", "lock", "receiving", "state.json",
    ]  # fmt: skip


def test_its_files_are_its_packages_but_the_links_by_which_debians_packages_run(image: Scratch) -> None:
    adopt(image, told())
    paths = {entry.path for entry in LAID if entry.path not in (CADDYS, LOCK)}
    assert paths | {image.names.activate, image.names.activates} <= owned(image, PACKAGE)
    assert {LOCK, f"{HARAKA}/node_modules/haraka.js"} <= owned(image, "mailnix-haraka")
    assert not {CADDYS, LOCK} & owned(image, PACKAGE)


def test_what_it_activated_is_what_it_has_so_that_the_next_one_takes_nothing_over(image: Scratch) -> None:
    adopt(image, told())
    active, described = (image.root / path[1:] for path in (image.names.active, image.names.activates))
    assert active.read_bytes() == described.read_bytes()


def test_only_those_files_of_others_step_aside_that_it_has(image: Scratch) -> None:
    adopt(image, told())
    assert (image.root / "shared").read_text() == "/etc/hosts\n"


def test_the_next_generation_is_taken_back_to_what_the_image_laid(image: Scratch) -> None:
    before = as_it_is(image)
    adopt(image, told())
    next_one(image, 2)
    verbs.switch(image, 2, 60, "a")
    assert image.laid() == "2 2"
    assert not (image.root / f"{UNITS[1:]}/of-image.service").exists()
    image.later()
    assert image.laid() == "1 1"
    assert as_it_is(image) == before
    assert {name: each.version for name, each in known(image).items()} == {PACKAGE: "1", "mailnix-haraka": "0~image"}


def test_one_can_go_back_there_after_others(image: Scratch) -> None:
    before = as_it_is(image)
    adopt(image, told())
    for number in (2, 3):
        next_one(image, number)
        image.run_it(number)
        image.later()
    assert image.laid() == "3 3"
    image.run_it(1)
    assert as_it_is(image) == before
    assert image.state.current == 1


def test_again_is_nothing_to_do(image: Scratch) -> None:
    adopt(image, told())
    image.ran.clear()
    assert adopt(image, told()) == {"current": 1}
    assert image.ran == []


def test_killed_at_any_step_it_has_changed_nothing_and_is_done_again(image: Scratch, tmp_path: Path) -> None:
    next_one(image, 1)  # a dry run has left it
    (image.root / "etc/hosts").write_text("by hand\n")
    before = files(image)
    for number, twin in deaths(image, tmp_path):
        with contextlib.suppress(Died):
            adopt(twin, told())
            twin.dies = None
        over = twin.state.current == 2
        assert files(twin) == before, number
        twin.power_cut()
        assert adopt(twin, told()) == {"current": 2}, number
        assert files(twin) == before
        assert verbs.status(twin)["drift"] == ["/etc/hosts"]
        assert state.numbers(twin) == [1, 2]
        if over:
            break
    assert number > 10


def test_what_was_changed_by_hand_stays_and_is_drift(image: Scratch) -> None:
    (image.root / "etc/hosts").write_text("by hand\n")
    (image.root / "etc/networks").unlink()
    before = files(image)
    adopt(image, told())
    assert files(image) == before
    assert verbs.status(image)["drift"] == ["/etc/hosts"]
    found = adopting.digest(image.root / "etc/hosts")
    assert listed(image) == {
        **{entry.path: listed_digest(entry) for entry in LAID if entry.path != "/etc/networks"},
        "/etc/hosts": found,
    }


def test_which_mailcow_it_runs_is_known_so_that_another_one_has_its_time(image: Scratch) -> None:
    lay(image.root, File("/var/lib/mailcow/.mailnix.json", '{"rev": "abc"}'))
    adopt(image, told(mailcow="/var/lib/mailcow/.mailnix.json"))
    assert state.generation(image, 1).made["mailcow"] == "abc"


def test_tunnels_that_are_others_than_described_are_not_known(image: Scratch) -> None:
    adopt(image, told(alike={"/etc/networks": "another"}))
    assert state.generation(image, 1).made["links"] == {HOST: {}}


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"files": {}}', '{"files": 1, "read_by": 1, "wanted": 1}'])
def test_an_image_without_a_list_of_its_files_is_refused_in_a_line(image: Scratch, text: str | None) -> None:
    path = image.root / image.names.activates[1:]
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(Refused, match="kept no list of its files") as caught:
        adopt(image, told())
    assert "\n" not in str(caught.value)
    assert (image.state.current, known(image)) == (None, {})


class TestAPackageThatAptBrought:
    """As docs/howto/packages.md has it; the client comes later."""

    @pytest.fixture
    def installed(self, plain: Scratch) -> Scratch:
        plain.run(["dpkg", "--install", *map(str, self.debs(plain, 7))])
        (plain.root / "made").rename(plain.root / "archive/given")
        return plain

    @staticmethod
    def debs(machine: Scratch, number: int) -> list[Path]:
        folder = machine.root / "made"
        folder.mkdir(exist_ok=True)
        scripts = {name: text.format(number=number) for name, text in OURS.items()}
        laid = {"etc/generation": str(number), "etc/networks": "wg0 51820\n"}
        return [
            deb(folder, "mailnix-haraka", "3.3.4+1", {f"{HARAKA[1:]}/node_modules/haraka.js": "Haraka"}),
            deb(folder, PACKAGE, str(number), laid, scripts, "mailnix-haraka (= 3.3.4+1)"),
        ]

    def test_becomes_the_generation_of_its_number_and_nothing_is_installed(self, installed: Scratch) -> None:
        before = as_it_is(installed)
        installed.ran.clear()
        assert adopt(installed, told()) == {"current": 7}
        assert as_it_is(installed) == before
        assert installed.laid() == "7 7"
        assert not [words for words in installed.ran if "--install" in words]
        made = state.generation(installed, 7).made
        assert sorted(made["debs"]) == ["mailnix-haraka_3.3.4+1_all.deb", f"{PACKAGE}_7_all.deb"]
        assert made["links"] == LINKS
        assert verbs.status(installed)["drift"] == []

    def test_is_what_the_next_one_goes_back_to(self, installed: Scratch) -> None:
        adopt(installed, told())
        before = as_it_is(installed)
        next_one(installed, 8)
        verbs.switch(installed, 8, 60, "a")
        assert installed.laid() == "8 8"
        installed.later()
        assert installed.laid() == "7 7"
        assert as_it_is(installed) == before
        assert known(installed)["mailnix-haraka"].version == "3.3.4+1"

    def test_keeps_what_was_changed_by_hand_as_drift(self, installed: Scratch) -> None:
        (installed.root / "etc/networks").write_text("by hand\n")
        adopt(installed, told())
        next_one(installed, 8)
        verbs.switch(installed, 8, 60, "a")
        installed.later()
        assert (installed.root / "etc/networks").read_text() == "by hand\n"
        assert verbs.status(installed)["drift"] == ["/etc/networks"]
        assert state.generation(installed, 7).made["links"] == {HOST: {}}

    def test_is_done_again_where_it_was_killed(self, installed: Scratch, tmp_path: Path) -> None:
        before = as_it_is(installed)
        for number, twin in deaths(installed, tmp_path):
            with contextlib.suppress(Died):
                adopt(twin, told())
                twin.dies = None
            over = twin.state.current == 7
            twin.power_cut()
            assert adopt(twin, told()) == {"current": 7}, number
            assert as_it_is(twin) == before
            if over:
                break
        assert number > 4

    def test_with_a_version_of_somebodys_own_is_refused(self, plain: Scratch) -> None:
        plain.run(["dpkg", "--install", str(deb(plain.root, PACKAGE, "7~mine", {"etc/x": "x"}))])
        with pytest.raises(Refused, match=f"{PACKAGE} 7~mine is no generation"):
            adopt(plain, told())


def test_what_dpkg_refuses_is_said_and_can_be_tried_again(image: Scratch) -> None:
    before = as_it_is(image)
    broken = {"preinst": "#!/bin/sh\necho 'dpkg: error: no space'; exit 1\n"}
    with pytest.raises(Refused, match=r"no space.*; all of it runs as before"):
        adopt(image, told(scripts=broken))
    assert as_it_is(image) == before
    assert adopt(image, told()) == {"current": 1}


def test_it_waits_for_nobody_who_changes_it_just_now(image: Scratch) -> None:
    pending = state.Pending("x", None, 1, 60, state.INSTALLED, 0, image.boot())
    state.save(image, state.State(pending=pending))
    with pytest.raises(Busy, match="generation 1 waits"):
        adopt(image, told())


def test_where_no_hard_link_can_be_a_file_is_copied_with_owner_and_mode(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("x")
    source.chmod(0o640)
    os.chown(source, 0, 65534)
    (tmp_path / "there").touch()
    adopting._lay(source, tmp_path / "there")
    assert (tmp_path / "there").stat()[:1] == source.stat()[:1]
    assert (tmp_path / "there").stat().st_gid == 65534
