"""Which generation runs, and whether its files are as they were laid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailnix.doctor.machines.guest import deployed
from mailnix.services.activation.listed import digest
from mailnix.services.generations.names import RUN, STATE
from mailnix.tree import File, Link
from tests.doctor.machines.guest.fake import Fake

NOTHING = {"current": None, "pending": None, "end": "", "why": "", "made": ""}


def test_a_machine_as_its_image_was_made_has_no_generation(fake: Fake) -> None:
    assert deployed.generation(fake.here, {"state": STATE, "run": RUN}) == NOTHING


def test_the_generation_that_runs_and_the_one_that_waits_are_named(fake: Fake) -> None:
    state = {"current": 3, "previous": 2, "pending": {"to": 4, "from": 3}, "last": {"end": "back", "why": "no login"}}
    fake.file(f"{STATE}/state.json", json.dumps(state))
    fake.file(f"{STATE}/3/made.json", '{"made": "2026-11-20T10:00:00Z"}')
    assert deployed.generation(fake.here, {"state": STATE, "run": RUN}) == {
        "current": 3,
        "pending": 4,
        "end": "back",
        "why": "no login",
        "made": "2026-11-20T10:00:00Z",
    }


def test_a_generation_whose_record_is_damaged_runs_all_the_same(fake: Fake) -> None:
    fake.file(f"{STATE}/state.json", '{"current": 3, "pending": null, "last": null}')
    fake.file(f"{STATE}/3/made.json", "\0")
    assert deployed.generation(fake.here, {"state": STATE, "run": RUN}) == {**NOTHING, "current": 3}


def nixos(fake: Fake, running: str = "new") -> Path:
    """A machine of NixOS: generation 7 is its system."""
    root = fake.folder / "root"
    fake.file("/etc/NIXOS")
    for name in ("old", "new"):
        (root / "store" / name).mkdir(parents=True)
    profiles = root / "nix/var/nix/profiles"
    profiles.mkdir(parents=True)
    (profiles / "system-7-link").symlink_to(root / "store/new")
    (profiles / "system").symlink_to("system-7-link")
    (root / "run").mkdir(exist_ok=True)
    (root / "run/current-system").symlink_to(root / "store" / running)
    return root


def test_nixos_keeps_its_generations_by_itself(fake: Fake) -> None:
    nixos(fake)
    fake.file(f"{STATE}/7-abc.json", '{"made": "2026-11-20T10:00:00Z"}')
    assert deployed.generation(fake.here, {"state": STATE, "run": RUN}) == {
        **NOTHING,
        "current": 7,
        "made": "2026-11-20T10:00:00Z",
    }


def test_a_change_that_waits_on_nixos_is_in_memory(fake: Fake) -> None:
    nixos(fake)
    fake.file(f"{RUN}/state", "id=x to=8 from=7 new=/a old=/b within=180 until=9 step=installed left=0\n")
    fake.file(f"{RUN}/last", '{"id": "w", "to": 7, "end": "confirmed", "why": ""}\n')
    said = deployed.generation(fake.here, {"state": STATE, "run": RUN})
    assert (said["current"], said["pending"], said["end"]) == (7, 8, "confirmed")


@pytest.mark.parametrize(("running", "changed"), [("new", []), ("old", ["/run/current-system"])])
def test_on_nixos_a_system_that_is_not_its_default_is_drift(fake: Fake, running: str, changed: list[str]) -> None:
    nixos(fake, running)
    assert deployed.drift(fake.here, {"list": "/none"}) == {"changed": changed, "gone": []}


LAID = (
    File("/etc/one", "text\n"),
    File("/usr/lib/program", "#!/bin/sh\n", mode=0o755),
    Link("/etc/link", "/usr/lib/program"),
)


@pytest.fixture
def laid(fake: Fake) -> Fake:
    """Files as mailnix lays them, and its list."""
    for entry in LAID:
        if isinstance(entry, File):
            fake.file(entry.path, entry.data.decode(), entry.mode)
        else:
            (fake.folder / "root/etc/link").symlink_to(entry.target)
    fake.file("/files.json", json.dumps({"version": 1, "files": {entry.path: digest(entry) for entry in LAID}}))
    return fake


def drift(fake: Fake) -> tuple[list[str], list[str]]:
    said = deployed.drift(fake.here, {"list": "/files.json"})
    return said["changed"], said["gone"]


def test_files_as_they_were_laid_are_no_drift(laid: Fake) -> None:
    assert drift(laid) == ([], [])


def test_a_change_of_text_mode_or_target_is_drift(laid: Fake) -> None:
    laid.file("/etc/one", "other\n")
    laid.file("/usr/lib/program", "#!/bin/sh\n", 0o700)
    link = laid.folder / "root/etc/link"
    link.unlink()
    link.symlink_to("/elsewhere")
    assert drift(laid) == (["/etc/link", "/etc/one", "/usr/lib/program"], [])


def test_a_unit_that_is_started_by_a_packages_own_link_is_no_drift(fake: Fake) -> None:
    wants = "/etc/systemd/system/multi-user.target.wants/caddy.service"
    laid = {wants: "-> /usr/lib/systemd/system/caddy.service"}
    link = fake.file(wants)
    link.unlink()
    fake.file("/files.json", json.dumps({"files": laid}))
    for target, expected in (("/lib/systemd/system/caddy.service", []), ("/dev/null", [wants])):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        assert drift(fake) == (expected, [])


def test_a_file_that_is_gone_is_named(laid: Fake) -> None:
    (laid.folder / "root/etc/one").unlink()
    assert drift(laid) == ([], ["/etc/one"])


def test_a_machine_without_a_list_has_none_to_compare(fake: Fake) -> None:
    with pytest.raises(OSError, match=r"files\.json"):
        drift(fake)
