import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.plan import derive
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest.admin import set_admin_password
from mailnix.services.mailcow.guest.api import Api, ApiDenied, ApiDown, wait_until_up
from mailnix.services.mailcow.guest.description import DkimKey, Secrets, credential, read, read_secrets
from mailnix.services.mailcow.guest.provision import Provisioner

from .conftest import KEY, FakeMailcow

Pem = Callable[[str], str]
Provision = Callable[..., Provisioner]
ADDRESSES = ("alice@example.org", "bob@example.org", "carol@example.org", "info@other.example")


@pytest.fixture
def provision(api: Api, pem: Pem, tmp_path: Path) -> Provision:
    """Provision a topology once; gives the run."""

    def run(topology: Topology, **changed: Any) -> Provisioner:
        path = tmp_path / "provision.json"
        path.write_text(provision_json(derive(topology)))
        names = [domain.name for domain in topology.domains]
        facts = {
            "dkim": {n: DkimKey("dkim", pem(n)) for n in names},
            "passwords": {a: f"pw-{a}" for a in ADDRESSES},
            "admin": "secret",
        }
        work = Provisioner(api, Secrets(**{**facts, **changed}), print)
        work.run(read(path))
        return work

    return run


def first_domain(topology: Topology, **changes: Any) -> Topology:
    domain, *others = topology.domains
    return evolve(topology, domains=[evolve(domain, **changes), *others])


def paths(mailcow: FakeMailcow) -> list[str]:
    return [path for path, _ in mailcow.writes]


def test_an_empty_mailcow_gets_everything_keys_first(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    work = provision(topology)
    assert paths(mailcow) == ["add/dkim_import", "add/domain", "add/mailbox", "add/mailbox", "add/alias"]
    assert mailcow.generated == []
    assert work.refusals == []
    assert work.changes == 5


def test_a_second_run_changes_nothing(mailcow: FakeMailcow, provision: Provision, topology: Topology) -> None:
    provision(topology)
    mailcow.writes.clear()
    assert provision(topology).changes == 0
    assert mailcow.writes == []


def test_a_mailbox_is_made_with_its_password_name_and_quota(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    bob = mailcow.mailboxes["bob@example.org"]
    assert (bob["quota"], bob["name"], bob["active"]) == (str(2048 * 2**20), "Bob B.", 1)
    assert mailcow.mailboxes["alice@example.org"]["name"] == "alice"
    assert mailcow.passwords["bob@example.org"] == "pw-bob@example.org"


def test_a_changed_quota_is_changed_and_the_password_stays(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    mailcow.writes.clear()
    mailcow.passwords["alice@example.org"] = "chosen by alice"
    provision(first_domain(topology, mailboxes=[Mailbox("alice", quota="5 GiB"), *topology.domains[0].mailboxes[1:]]))
    assert mailcow.writes == [("edit/mailbox", {"items": ["alice@example.org"], "attr": {"quota": 5120}})]
    assert mailcow.passwords["alice@example.org"] == "chosen by alice"


def test_a_mailbox_may_send_as_many_messages_an_hour_as_described(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    assert mailcow.mailboxes["alice@example.org"]["rl"] == {"value": "300", "frame": "h"}
    mailcow.writes.clear()
    others = topology.domains[0].mailboxes[1:]
    provision(first_domain(topology, mailboxes=[Mailbox("alice", sends_per_hour=50), *others]))
    limit = {"rl_value": 50, "rl_frame": "h"}
    assert mailcow.writes == [("edit/rl-mbox", {"items": ["alice@example.org"], "attr": limit})]
    provision(first_domain(topology, mailboxes=[Mailbox("alice", sends_per_hour=0), *others]))
    assert not mailcow.mailboxes["alice@example.org"]["rl"]


def test_a_limit_in_another_unit_is_no_limit_of_ours(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    mailcow.mailboxes["alice@example.org"]["rl"] = {"value": "300", "frame": "s"}
    assert provision(topology).changes == 1
    assert mailcow.mailboxes["alice@example.org"]["rl"]["frame"] == "h"


def test_a_limit_of_the_whole_domain_is_left_alone(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    topology = first_domain(topology, mailboxes=[Mailbox("alice", sends_per_hour=0)], aliases=[])
    provision(topology)
    mailcow.mailboxes["alice@example.org"] |= {"rl": {"value": "9", "frame": "h"}, "rl_scope": "domain"}
    assert provision(topology).changes == 0


def test_limits_that_a_mailbox_would_reach_are_raised_first(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    mailcow.domains["example.org"]["max_quota_for_mbox"] = 100 * 2**20
    more = (*topology.domains[0].mailboxes, Mailbox("carol", quota="4 GiB"))
    assert provision(first_domain(topology, mailboxes=more)).refusals == []
    assert "carol@example.org" in mailcow.mailboxes


def test_an_alias_follows_its_description(mailcow: FakeMailcow, provision: Provision, topology: Topology) -> None:
    provision(topology)
    provision(first_domain(topology, aliases=[Alias("postmaster", to=["bob", "someone@else.example"])]))
    assert mailcow.aliases["postmaster@example.org"]["goto"] == "bob@example.org,someone@else.example"
    provision(first_domain(topology, aliases=()))
    assert mailcow.aliases == {}


def test_an_alias_may_become_a_mailbox(mailcow: FakeMailcow, provision: Provision, topology: Topology) -> None:
    provision(first_domain(topology, aliases=[Alias("carol", to=["alice"])]))
    boxes = (*topology.domains[0].mailboxes, Mailbox("carol"))
    assert provision(first_domain(topology, aliases=(), mailboxes=boxes)).refusals == []
    assert "carol@example.org" in mailcow.mailboxes


def test_aliases_that_others_made_are_left_alone(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    mailcow.add_alias({"address": "sales@example.org", "goto": "bob@example.org", "active": 1})
    assert provision(topology).changes == 0


def test_a_mailbox_described_no_more_is_switched_off_and_comes_back(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    provision(first_domain(topology, mailboxes=[Mailbox("alice")]))
    assert mailcow.mailboxes["bob@example.org"]["active"] == 0
    provision(topology)
    assert mailcow.mailboxes["bob@example.org"]["active"] == 1
    assert not [path for path in paths(mailcow) if path.startswith("delete/mailbox")]


def test_mailboxes_that_others_made_stay_as_they_are(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(topology)
    attributes = {"domain": "example.org", "name": "x", "active": 1, "tags": [], "quota": 1, "local_part": "dora"}
    attributes |= {"rl_value": 0, "rl_frame": "h"}
    mailcow.add_mailbox({**attributes, "password": "p", "password2": "p"})
    assert provision(topology).changes == 0
    assert mailcow.mailboxes["dora@example.org"]["active"] == 1


def test_a_rotated_dkim_key_replaces_the_old_one(
    mailcow: FakeMailcow, provision: Provision, topology: Topology, pem: Pem
) -> None:
    provision(topology)
    before = mailcow.dkim["example.org"]["pubkey"]
    provision(topology, dkim={"example.org": DkimKey("dkim", pem("another"))})
    assert mailcow.dkim["example.org"]["pubkey"] != before
    assert paths(mailcow)[-1] == "add/dkim_import"


def test_a_key_signs_under_the_selector_it_came_with(
    mailcow: FakeMailcow, provision: Provision, topology: Topology, pem: Pem
) -> None:
    """The description on the machine still has the old selector when the new key is handed over."""
    provision(topology)
    provision(topology, dkim={"example.org": DkimKey("dkim2", pem("another"))})
    assert mailcow.dkim["example.org"]["dkim_selector"] == "dkim2"
    assert provision(topology, dkim={"example.org": DkimKey("dkim2", pem("another"))}).changes == 0


def test_the_bundle_of_keys_has_their_selectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = {"example.org": {"selector": "dkim2", "private_key": "PEM"}}
    (tmp_path / "mailcow.dkim").write_text(json.dumps(bundle))
    (tmp_path / "mailcow.mailboxes").write_text("{}")
    for name in ("mailcow.api-key", "mailcow.admin-password"):
        (tmp_path / name).write_text("word\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", os.fspath(tmp_path))
    _, found = read_secrets()
    assert found.dkim == {"example.org": DkimKey("dkim2", "PEM")}
    assert "PEM" not in repr(found.dkim)


def test_a_refused_domain_is_reported_and_the_others_are_made(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    refused = Domain("mail.example.org", mailboxes=["info"])
    work = provision(evolve(topology, domains=[refused, *topology.domains]))
    assert work.refusals == ["mail.example.org: added: refused: domain_cannot_match_hostname"]
    assert set(mailcow.mailboxes) == {"alice@example.org", "bob@example.org"}


def test_a_domain_without_its_key_is_not_made(mailcow: FakeMailcow, provision: Provision, topology: Topology) -> None:
    work = provision(topology, dkim={})
    assert mailcow.writes == []
    assert work.refusals == ["example.org: no DKIM key for it in the credential mailcow.dkim"]


def test_a_mailbox_without_password_is_reported(mailcow: FakeMailcow, provision: Provision, topology: Topology) -> None:
    work = provision(topology, passwords={"alice@example.org": "x"})
    assert work.refusals == ["bob@example.org: no password for it in the credential mailcow.mailboxes"]
    assert set(mailcow.mailboxes) == {"alice@example.org"}


def test_sogo_is_restarted_once_for_all_new_domains(
    mailcow: FakeMailcow, provision: Provision, topology: Topology
) -> None:
    provision(evolve(topology, domains=[*topology.domains, Domain("other.example", mailboxes=["info"])]))
    restarts = [body["restart_sogo"] for path, body in mailcow.writes if path == "add/domain"]
    assert restarts == [0, 1]


def test_a_domain_that_others_made_is_only_mentioned(
    mailcow: FakeMailcow, provision: Provision, topology: Topology, capsys: pytest.CaptureFixture[str]
) -> None:
    both = evolve(topology, domains=[*topology.domains, Domain("other.example", mailboxes=["info"])])
    provision(both)
    mailcow.domains["other.example"]["tags"] = []
    mailcow.writes.clear()
    provision(topology)
    assert mailcow.writes == []
    assert "other.example: not described, left as it is" in capsys.readouterr().out


def test_no_password_is_ever_printed(
    provision: Provision, topology: Topology, capfd: pytest.CaptureFixture[str]
) -> None:
    provision(topology)
    said = capfd.readouterr()
    assert "pw-" not in said.out + said.err
    assert "PRIVATE KEY" not in said.out + said.err


def test_the_admins_password_is_set_once_and_again_after_a_new_database(
    mailcow: FakeMailcow, api: Api, tmp_path: Path
) -> None:
    assert set_admin_password(api, "s3cret", tmp_path, print) == 1
    assert mailcow.passwords["admin"] == "s3cret"
    assert set_admin_password(api, "s3cret", tmp_path, print) == 0
    mailcow.passwords["admin"] = "chosen in the browser"
    assert set_admin_password(api, "s3cret", tmp_path, print) == 0
    mailcow.admins["admin"]["created"] = "2027-01-01 00:00:00"
    assert set_admin_password(api, "s3cret", tmp_path, print) == 1
    assert "s3cret" not in (tmp_path / "admin.json").read_text()


def test_a_renamed_admin_is_left_alone(mailcow: FakeMailcow, api: Api, tmp_path: Path) -> None:
    mailcow.admins = {"root": {"username": "root"}}
    assert set_admin_password(api, "s3cret", tmp_path, print) == 0
    assert mailcow.writes == []


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_waiting_goes_on_through_the_errors_of_a_start(mailcow: FakeMailcow, api: Api) -> None:
    mailcow.raw = [(502, "<html>"), (200, "<html>preparing"), (200, '{"type": "error", "msg": "not yet"}')]
    said: list[str] = []
    clock = Clock()
    wait_until_up(api, said.append, pause=clock.pause, clock=clock)
    assert said == [
        "waiting for Mailcow's API: HTTP 502",
        "waiting for Mailcow's API: get/domain/all is not JSON yet",
        "waiting for Mailcow's API: not yet",
    ]


def test_waiting_ends_with_the_last_reason() -> None:
    clock = Clock()
    nobody = Api("http://127.0.0.1:1/api/v1", KEY, "x", timeout=1)
    with pytest.raises(ApiDown, match=r"did not come up in 60 s: .*refused"):
        wait_until_up(nobody, print, seconds=60, pause=clock.pause, clock=clock)


def test_a_wrong_key_ends_the_wait_early(base: str) -> None:
    clock = Clock()
    with pytest.raises(ApiDenied, match="401 authentication failed"):
        wait_until_up(Api(base, "wrong", "mail.example.org"), print, pause=clock.pause, clock=clock)
    assert clock.now < 120


def test_an_unknown_version_of_the_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "provision.json"
    path.write_text(json.dumps({"version": 2}))
    with pytest.raises(ValueError, match="version 2; this program understands 1"):
        read(path)


def test_a_credential_is_read_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mailcow.api-key").write_text("abc")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", os.fspath(tmp_path))
    assert credential("mailcow.api-key") == "abc"


def test_a_credential_that_systemd_opened_is_read_from_its_descriptor(tmp_path: Path) -> None:
    for name in ("mailcow.dkim", "mailcow.mailboxes"):
        (tmp_path / name).write_text(f"content of {name}")
    ask = "from mailnix.services.mailcow.guest.description import credential; print(credential('mailcow.mailboxes'))"
    script = f"exec 3<mailcow.dkim 4<mailcow.mailboxes; exec '{sys.executable}' -c \"{ask}\""
    environment = {"LISTEN_FDNAMES": "mailcow.dkim:mailcow.mailboxes", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "content of mailcow.mailboxes\n"
