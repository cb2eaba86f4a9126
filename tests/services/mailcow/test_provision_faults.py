"""What Mailcow's own code was seen to do wrong, and what the provisioner makes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailnix import Topology
from mailnix.plan import derive
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest.admin import set_admin_password
from mailnix.services.mailcow.guest.api import Api, ApiSilent, wait_until_up
from mailnix.services.mailcow.guest.description import DkimKey, Secrets, read
from mailnix.services.mailcow.guest.provision import DONE, REFUSED, TRY_AGAIN, Provisioner, main

from .conftest import KEY, FakeMailcow
from .faked import Pem

ADDRESSES = ("alice@example.org", "bob@example.org")


def run(api: Api, topology: Topology, pem: Pem, folder: Path) -> Provisioner:
    path = folder / "provision.json"
    path.write_text(provision_json(derive(topology)))
    keys = {domain.name: DkimKey("dkim", pem(domain.name)) for domain in topology.domains}
    work = Provisioner(api, Secrets(keys, dict.fromkeys(ADDRESSES, "pw"), "x"), print, lambda seconds: None)
    work.run(read(path))
    return work


@pytest.fixture
def machine_path(base: str, topology: Topology, pem: Pem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The description and credentials as the program finds them; the API is this process's."""
    path = tmp_path / "provision.json"
    path.write_text(json.dumps({**json.loads(provision_json(derive(topology))), "api": base}))
    bundle = {domain.name: {"selector": "dkim", "private_key": pem(domain.name)} for domain in topology.domains}
    credentials = {
        "mailcow.api-key": KEY,
        "mailcow.admin-password": "word",
        "mailcow.dkim": json.dumps(bundle),
        "mailcow.mailboxes": json.dumps(dict.fromkeys(ADDRESSES, "pw")),
    }
    for name, text in credentials.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", os.fspath(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", os.fspath(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return path


def test_a_key_that_is_refused_at_random_is_imported_again_until_it_works(
    mailcow: FakeMailcow, api: Api, topology: Topology, pem: Pem, tmp_path: Path
) -> None:
    mailcow.unlucky = 15
    work = run(api, topology, pem, tmp_path)
    assert (work.refusals, work.later) == ([], [])
    assert set(mailcow.domains) == {"example.org"}
    assert mailcow.generated == []


def test_a_key_that_is_refused_twenty_times_is_left_for_later_and_nothing_is_made_without_it(
    mailcow: FakeMailcow, api: Api, topology: Topology, pem: Pem, tmp_path: Path
) -> None:
    mailcow.unlucky = 25
    work = run(api, topology, pem, tmp_path)
    assert (work.refusals, mailcow.domains) == ([], {})
    (later,) = work.later
    assert later.startswith("example.org: DKIM key 'dkim' imported: refused: private_key_error")
    assert run(api, topology, pem, tmp_path).later == []
    assert set(mailcow.domains) == {"example.org"}


def test_what_is_left_for_later_is_tried_again_by_systemd(mailcow: FakeMailcow, machine_path: Path) -> None:
    mailcow.unlucky = 25
    assert main(os.fspath(machine_path)) == TRY_AGAIN
    assert main(os.fspath(machine_path)) == DONE


def test_another_refusal_of_a_key_is_not_repeated(
    mailcow: FakeMailcow, api: Api, topology: Topology, tmp_path: Path, pem: Pem
) -> None:
    mailcow.add_dkim_import = lambda attr: {"type": "danger", "msg": "access_denied"}  # type: ignore[method-assign]
    work = run(api, topology, pem, tmp_path)
    assert len([path for path, _ in mailcow.writes if path == "add/dkim_import"]) == 1
    assert (len(work.refusals), work.later) == (1, [])


def test_an_empty_answer_is_a_refusal_with_where_to_look_and_the_others_are_made(
    mailcow: FakeMailcow, api: Api, topology: Topology, pem: Pem, tmp_path: Path
) -> None:
    mailcow.silent = {"add/mailbox": "alice"}
    work = run(api, topology, pem, tmp_path)
    (refusal,) = work.refusals
    assert refusal.startswith("alice@example.org: added: refused: add/mailbox was answered with nothing")
    assert "logs php-fpm-mailcow" in refusal
    assert set(mailcow.mailboxes) == {"bob@example.org"}


def test_an_empty_list_of_mailboxes_is_a_refusal_too(
    mailcow: FakeMailcow, api: Api, topology: Topology, pem: Pem, tmp_path: Path
) -> None:
    run(api, topology, pem, tmp_path)
    mailcow.silent = {"get/mailbox/all/example.org": ""}
    (refusal,) = run(api, topology, pem, tmp_path).refusals
    assert refusal.startswith("example.org: mailboxes: refused: get/mailbox/all/example.org was answered with nothing")


def test_a_database_that_stays_broken_is_not_taken_for_a_start(mailcow: FakeMailcow, api: Api) -> None:
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds

    mailcow.silent = {"get/domain/all": ""}
    with pytest.raises(ApiSilent, match="answered with nothing"):
        wait_until_up(api, print, pause=pause, clock=lambda: now)
    assert 300 <= now < 600


def test_a_database_that_is_brought_up_to_date_is_waited_for(mailcow: FakeMailcow, api: Api) -> None:
    mailcow.raw = [(502, ""), (200, ""), (200, "\n")]
    wait_until_up(api, print, pause=lambda seconds: None)


def test_a_broken_database_is_not_tried_for_ever(mailcow: FakeMailcow, machine_path: Path) -> None:
    mailcow.silent = {"get/alias/all": ""}
    assert main(os.fspath(machine_path)) == REFUSED


def test_a_new_password_of_the_admin_leaves_two_factors_forced(mailcow: FakeMailcow, api: Api, tmp_path: Path) -> None:
    mailcow.admins["admin"]["attributes"] = {"force_tfa": "1", "force_pw_update": "0"}
    set_admin_password(api, "fresh", tmp_path, print)
    assert mailcow.admins["admin"]["attributes"] == {"force_tfa": "1", "force_pw_update": "0"}
