"""`mailnix adopt`, from what is typed to the file."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from tests.adopt.conftest import KEY, Certificate, certificate, gate, redis, routes, store, url  # noqa: F401
from tests.cli.conftest import Run, Said
from tests.descriptions import KEY as ADMIN_KEY
from tests.services.mailcow.conftest import pem  # noqa: F401

WORDS = ("--hostname", "mail.example.org", "--proxy-ipv4", "5.9.100.1", "--admin-key", ADMIN_KEY)


@pytest.fixture
def filled(routes: Routes, pem: object) -> None:  # noqa: F811
    """A domain with a key, a mailbox and an alias."""
    assert callable(pem)
    key = {"domain": "example.org", "dkim_selector": "mail", "private_key_file": pem("example.org")}
    box = {"local_part": "alice", "domain": "example.org", "password": "secret1", "password2": "secret1", "quota": 1024}
    alias = {"address": "postmaster@example.org", "goto": "alice@example.org", "active": 1, "sender_allowed": 1}
    while "private_key_error" in str(routes.call("POST", "add/dkim_import", key, write=True)):
        pass  # at random, as from Mailcow
    for path, body in (("domain", {"domain": "example.org"}), ("mailbox", box), ("alias", alias)):
        routes.call("POST", f"add/{path}", body, write=True)


@pytest.fixture
def adopt(
    mailnix: Run,
    url: str,  # noqa: F811
    certificate: Certificate,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    monkeypatch.setenv("MAILNIX_MAILCOW_API_KEY", KEY)

    def run(*words: object) -> Said:
        said = mailnix("adopt", url, tmp_path / "new", "--ca", certificate.file, *words)
        ours = [line for line in said.out.splitlines(keepends=True) if not line.startswith('- "GET ')]
        return evolve(said, out="".join(ours))  # the fake Mailcow's log goes to the same place

    return run


@pytest.mark.usefixtures("filled")
def test_it_writes_a_description_that_the_next_verbs_take(adopt: Run, mailnix: Run, tmp_path: Path) -> None:
    said = adopt(*WORDS)
    file = tmp_path / "new/mail.py"
    assert (said.status, said.out) == (0, f"{file}\n")
    assert "1 domains, 1 mailboxes, 1 aliases" in said.err
    assert "DKIM keys taken over: 0 of 1" in said.err
    assert mailnix("check", file).out.startswith(f"{file}: no mistakes")
    assert mailnix("plan", file).status == 0


@pytest.mark.usefixtures("filled")
def test_a_relay_domain_is_left_out_and_said_at_once(adopt: Run, routes: Routes, tmp_path: Path) -> None:  # noqa: F811
    routes.call("POST", "add/domain", {"domain": "relay.example", "relay_unknown_only": 1}, write=True)
    said = adopt(*WORDS)
    assert (said.status, "relay.example is left out: it is a relay domain" in said.err) == (0, True)
    assert 'Domain("relay.example"' not in (tmp_path / "new/mail.py").read_text()


@pytest.mark.usefixtures("filled")
def test_the_key_comes_from_a_file_too(adopt: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILNIX_MAILCOW_API_KEY")
    said = adopt(*WORDS)
    assert (said.status, "--api-key-file" in said.err) == (1, True)
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert adopt(*WORDS, "--api-key-file", tmp_path / "key").status == 0
    assert adopt(*WORDS, "--force", "--api-key-file", tmp_path / "none").status == 1


@pytest.mark.usefixtures("filled")
def test_what_is_there_stays_unless_it_shall_not(adopt: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    file = tmp_path / "new/mail.py"
    file.write_text("mine")
    said = adopt(*WORDS)
    assert (said.status, "exists already" in said.err, file.read_text()) == (1, True, "mine")
    assert adopt(*WORDS, "--force").status == 0
    assert file.read_text() != "mine"


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    "wrong", [("--proxy-ipv4", "10.0.0.1"), ("--hostname", "example.org"), ("--hostname", "192.0.2.1")], ids=" ".join
)
def test_nothing_is_written_where_an_answer_is_wrong(adopt: Run, wrong: tuple[str, str], tmp_path: Path) -> None:
    said = adopt(*WORDS, *wrong)
    assert (said.status, said.out) == (1, "")
    assert not (tmp_path / "new").exists()


def test_an_empty_mailcow_is_said_to_have_no_domain(adopt: Run, tmp_path: Path) -> None:
    said = adopt(*WORDS)
    assert (said.status, "there is no mail domain" in said.err) == (1, True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("source", ["mail.example.org", "", "http://mail.example.org", "-oProxyCommand=x@y"])
def test_a_source_that_is_none_is_an_error_with_an_example(mailnix: Run, source: str, tmp_path: Path) -> None:
    said = mailnix("adopt", "--", source, tmp_path / "new")
    assert said.status == 1
    assert "https://mail.example.org" in said.err or "root@ADDRESS" in said.err


@pytest.mark.usefixtures("filled")
def test_private_dkim_keys_that_it_shows_go_into_the_secrets_folder_and_stay(
    adopt: Run,
    mailnix: Run,
    routes: Routes,  # noqa: F811
    pem: object,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert callable(pem)
    shown = base64.b64encode(pem("example.org").encode()).decode()
    details = routes._dkim.details
    monkeypatch.setattr(routes._dkim, "details", lambda name: {**details(name), "privkey": shown})
    said = adopt(*WORDS)
    assert "DKIM keys taken over: 1 of 1" in said.err
    kept = tmp_path / "new/secrets/internal/mailcow.dkim"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()) == {"example.org": {"selector": "mail", "private_key": pem("example.org")}}
    public = mailnix("dns", tmp_path / "new/mail.py").out
    assert mailnix("secrets", "init", tmp_path / "new/mail.py").status == 0
    assert json.loads(kept.read_text())["example.org"]["private_key"] == pem("example.org")
    assert details("example.org")["pubkey"] == public_of(mailnix, tmp_path)
    assert pem("example.org") not in said.out + said.err + public


def public_of(mailnix: Run, tmp_path: Path) -> object:
    return json.loads((tmp_path / "new/secrets/public.json").read_text())["dkim"]["example.org"]["p"]
