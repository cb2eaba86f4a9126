"""From another Mailcow to the pinned one, as a new version of mailnix does it, with an administrator's own changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import define

from mailnix.nar import nar_hash
from mailnix.services.mailcow.guest.tree import YOURS
from mailnix.services.mailcow.pin import PIN, Pin
from rig.mailcow import Mailcow, mailcow
from tests.real.description import DESCRIPTION
from tests.real.given import BEFORE, HOW, tree
from tests.real.logins import accepted, admin_accepted

CONF: Final = "data/conf"
MERGED: Final = {
    f"{CONF}/unbound/unbound.conf": ("  verbosity: 1\n", "  verbosity: 2\n"),
    f"{CONF}/sogo/sogo.conf": ('WOWorkersCount = "20";', 'WOWorkersCount = "5";'),
    f"{CONF}/rspamd/local.d/options.inc": ("task_timeout = 30s;", "task_timeout = 20s;"),
    f"{CONF}/nginx/templates/sites-default.conf.j2": ("gzip_buffers 16 8k;", "gzip_buffers 16 4k;"),
}
"""Edits by hand, by path: what stands in Mailcow's file, and what was written in its place."""
MEETING: Final = f"{CONF}/rspamd/local.d/metadata_exporter.conf"
"""Of these lines Mailcow changed the same ones between 2026-05c and 2026-07a."""
OWN: Final = (
    f"{CONF}/postfix/custom_transport.pcre",
    f"{CONF}/rspamd/local.d/ours.conf",
    f"{CONF}/rspamd/custom/global_smtp_from_blacklist.map",  # comes with Mailcow, and is filled in its pages
    f"{CONF}/nginx/site.ours.custom",
    "data/hooks/dovecot/ours.sh",
    "data/web/css/build/0081-custom-mailcow.css",
)
COMPOSE: Final = "docker-compose.yml"  # not for people to edit: there is docker-compose.override.yml
PREVIOUS: Final = "/var/lib/mailcow.previous"
LINE: Final = "# ours\n"
FILTER: Final = 'require "fileinto"; keep; # made-in-the-pages'


@define
class Upgraded:
    """A Mailcow that was another one, and what mailcow-setup said when it laid the pinned tree."""

    machine: Mailcow
    said: str
    changed: bytes
    """What stood in the file `MEETING`."""

    def text(self, path: str) -> str:
        """A file of the tree."""
        return (self.machine.tree / path).read_text("utf-8")


@pytest.fixture(scope="module")
def upgraded(mailcow_tree: Path) -> Iterator[Upgraded]:
    """Provisioned and changed by hand before the pinned tree was laid; what runs is stopped meanwhile."""
    before = tree(BEFORE)
    if before is None:
        pytest.skip(f"{BEFORE} names no tree of an earlier Mailcow; {HOW}")
    found = nar_hash(before)
    assert found != PIN.nar_hash, f"{BEFORE} names the pinned Mailcow itself"
    with mailcow(DESCRIPTION, before, Pin("before", found, found, "")) as machine:
        machine.provision()
        machine.postfix_up()  # it writes into main.cf, which is no edit of anybody's
        sieve = {"username": "alice@example.org", "filter_type": "prefilter", "script_data": FILTER, "active": 1}
        machine.api().call("add/filter", {**sieve, "script_desc": "made in the pages"})
        changed = change(machine)
        machine.stop()
        said = machine.lay(mailcow_tree, PIN)
        machine.web_up()
        yield Upgraded(machine, said, changed)


def change(machine: Mailcow) -> bytes:
    """An administrator's edits; gives what stands then where Mailcow changes the same lines."""
    for path, (theirs, ours) in MERGED.items():
        place = machine.tree / path
        text = place.read_text("utf-8")
        assert theirs in text, f"{path} has no {theirs!r}: choose another edit"
        place.write_text(text.replace(theirs, ours), "utf-8")
    for path in (*OWN, COMPOSE):
        with (machine.tree / path).open("a", encoding="utf-8") as file:
            file.write(LINE)
    meeting = machine.tree / MEETING
    meeting.write_bytes(meeting.read_bytes().replace(b"meta_headers = true;", b"meta_headers = false;"))
    return meeting.read_bytes()


def test_the_pinned_mailcow_runs(upgraded: Upgraded) -> None:
    assert upgraded.machine.api().call("get/status/version").body == {"version": PIN.tag}


def test_what_was_provisioned_is_there(upgraded: Upgraded) -> None:
    assert upgraded.machine.provision().stdout.strip().splitlines()[-1] == "0 changes, 0 refused"


def test_what_was_made_in_the_pages_is_there(upgraded: Upgraded) -> None:
    (row,) = upgraded.machine.api().rows("get/filters/all")
    assert row["script_data"] == FILTER


def test_passwords_are_the_same(upgraded: Upgraded) -> None:
    machine = upgraded.machine
    password = json.loads(machine.secret("mailcow.mailboxes"))["alice@example.org"]
    assert accepted(machine, "alice@example.org", password, "imap")
    assert admin_accepted(machine, machine.secret("mailcow.admin-password"))


@pytest.mark.parametrize("path", MERGED)
def test_edits_of_mailcows_files_are_in_its_new_ones_and_said(
    upgraded: Upgraded, mailcow_tree: Path, path: str
) -> None:
    theirs, ours = MERGED[path]
    assert upgraded.text(path) == (mailcow_tree / path).read_text("utf-8").replace(theirs, ours)
    assert f"{path} was edited: the edits are in Mailcow's new one" in upgraded.said


def test_where_mailcow_changed_the_same_lines_its_own_stand_and_ours_are_beside(
    upgraded: Upgraded, mailcow_tree: Path
) -> None:
    place = upgraded.machine.tree / MEETING
    assert place.read_bytes() == (mailcow_tree / MEETING).read_bytes()
    assert place.with_name(place.name + YOURS).read_bytes() == upgraded.changed
    assert f"{MEETING} was edited where Mailcow changed it, too: Mailcow's stands, yours is {MEETING}{YOURS}" in (
        upgraded.said
    )


@pytest.mark.parametrize("path", OWN)
def test_files_of_our_own_are_kept(upgraded: Upgraded, path: str) -> None:
    assert upgraded.text(path).endswith(LINE)


def test_nothing_else_is_said_to_be_edited(upgraded: Upgraded) -> None:
    edited = {line.split(" was edited")[0] for line in upgraded.said.splitlines() if " was edited" in line}
    assert edited == {*MERGED, MEETING, COMPOSE}


def test_dovecot_and_rspamd_read_what_became_of_it(upgraded: Upgraded) -> None:
    for name in ("dovecot", "rspamd"):
        done = upgraded.machine.once(name)
        assert done.status == 0, done.stderr[-2000:]


def test_postfix_starts_with_mailcows_new_settings(upgraded: Upgraded, mailcow_tree: Path) -> None:
    upgraded.machine.postfix_up()
    main = f"{CONF}/postfix/main.cf"
    theirs = (mailcow_tree / main).read_text("utf-8").partition("Overrides")[0]
    assert upgraded.text(main).startswith(theirs)


def test_what_is_not_for_people_to_edit_is_mailcows_and_the_edit_is_where_is_said(
    upgraded: Upgraded, mailcow_tree: Path
) -> None:
    assert upgraded.text(COMPOSE) == (mailcow_tree / COMPOSE).read_text("utf-8")
    assert f"{COMPOSE} was edited: Mailcow's new one stands, yours is {PREVIOUS}/{COMPOSE}" in upgraded.said
    assert upgraded.machine.space.path(f"{PREVIOUS}/{COMPOSE}").read_text("utf-8").endswith(LINE)
