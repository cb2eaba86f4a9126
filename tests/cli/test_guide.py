"""`mailnix guide` writes one page, over no other file, and no secret into it."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from mailnix.cli.output import plain
from tests.cli.conftest import Run
from tests.guide.conftest import FINDINGS


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "pages/guide.html"


def test_it_writes_a_page_again_and_again(mailnix: Run, config: Path, out: Path) -> None:
    for hostname in ("mail.example.org", "post.example.org"):
        config.write_text(config.read_text().replace("mail.example.org", hostname))
        said = mailnix("guide", config, "--out", out)
        assert (said.status, said.out) == (0, "")
        assert said.err == f"{out}: open it in a browser, or print it; no secret is in it\n"
        assert f"<h1>{hostname}</h1>" in out.read_text()
    assert [path.name for path in out.parent.iterdir()] == ["guide.html"]
    assert out.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>\n<title>My letters</title>", b"", b"\xff\xfe"])
def test_it_writes_over_no_other_file(mailnix: Run, config: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.html").write_bytes(content)
    said = mailnix("guide", config, "--out", tmp_path / "page.html")
    assert said.status == 1
    assert f"{tmp_path}/page.html is not a page that mailnix wrote" in said.err
    assert (tmp_path / "page.html").read_bytes() == content
    assert mailnix("guide", config, "--out", tmp_path).status == 1


def test_a_wrong_description_makes_no_page(mailnix: Run, config: Path, out: Path) -> None:
    config.write_text(config.read_text().replace("5.9.100.1", "10.0.0.1"))
    said = mailnix("guide", config, "--out", out)
    assert (said.status, out.exists()) == (1, False)
    assert "proxies[0].ipv4" in said.err


def test_no_byte_of_a_secret_is_in_the_page(mailnix: Run, config: Path, out: Path, tmp_path: Path) -> None:
    config.write_text(
        config.read_text()
        .replace('mailboxes=["alice"]', 'mailboxes=["alice", Mailbox("bob", password_file="bob")]')
        .replace("domains=[", 'relays=[Relay("smtp.relay.example", "us")], domains=[')
    )
    folder = config.parent / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "bob").write_text("Hidden-by-bob-1")
    (folder / "bob").chmod(0o600)
    assert mailnix("secrets", "init", config).status == 0
    (folder / "proxy/haraka.relay.smtp.relay.example").write_text("Hidden-by-relay-1")
    (folder / "proxy/haraka.relay.smtp.relay.example").chmod(0o600)
    assert mailnix("guide", config, "--out", out).status == 0
    page = out.read_bytes()
    page += b"".join(b64decode(link) for link in re.findall(rb";base64,([^\"]+)", page))
    assert page.count(b"com.apple.mail.managed") == 2
    public = json.loads((folder / "public.json").read_text())
    assert public["dkim"]["example.org"]["p"].encode() in page
    secrets = [file.read_bytes().strip() for file in folder.rglob("*") if file.is_file() and file.name[0] != "."]
    found = {piece for secret in secrets for piece in pieces(secret)}
    assert len(found) > 15
    known = json.dumps(public).encode()
    for piece in found:
        if piece not in known:
            assert piece not in page
            assert b64encode(piece)[:-4] not in page


def pieces(secret: bytes) -> set[bytes]:
    """A secret, each of its lines, and each text of a list of secrets."""
    try:
        values = json.loads(secret)
    except ValueError:
        return {secret, *(line for line in secret.splitlines() if len(line) > 8 and b"----" not in line)}
    texts = [values] if isinstance(values, str) else _texts(values)
    return {line.encode() for text in texts for line in text.splitlines() if len(line) > 8 and "----" not in line}


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def test_what_doctor_printed_is_shown(mailnix: Run, config: Path, out: Path, tmp_path: Path) -> None:
    for said in (plain(FINDINGS), {"state": "failures", "findings": plain(FINDINGS), "error": ""}):
        out.unlink(missing_ok=True)
        (tmp_path / "doctor.json").write_text(json.dumps(said))
        assert mailnix("guide", config, "--out", out, "--doctor", tmp_path / "doctor.json").status == 0
        assert "set it where you rent it" in out.read_text()


def test_a_doctor_who_could_look_at_nothing_is_quoted(mailnix: Run, config: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "doctor.json").write_text(json.dumps({"state": "unasked", "findings": [], "error": "no network"}))
    said = mailnix("guide", config, "--out", out, "--doctor", tmp_path / "doctor.json")
    assert (said.status, out.exists()) == (1, False)
    assert "doctor.json says that nothing could be looked at: no network" in said.err


@pytest.mark.parametrize(
    "text", ["", "{}", '{"findings": 1}', "[1]", '[{"id": "dns.mx"}]', '"text"', "null", "[" * 99999]
)
def test_another_file_than_doctors_is_refused(mailnix: Run, config: Path, out: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "doctor.json").write_text(text)
    said = mailnix("guide", config, "--out", out, "--doctor", tmp_path / "doctor.json")
    assert (said.status, out.exists()) == (1, False)
    assert f"{tmp_path}/doctor.json is not what `mailnix doctor --json` prints" in said.err
    assert "mailnix doctor CONFIG --json" in said.err


def test_a_file_that_cannot_be_read_is_named(mailnix: Run, config: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    for name, why in {"none": "No such file", "binary": "it is no text"}.items():
        said = mailnix("guide", config, "--out", out, "--doctor", tmp_path / name)
        assert (said.status, f"{tmp_path}/{name} cannot be read: {why}" in said.err) == (1, True)


def test_half_a_character_in_a_finding_is_shown_as_none(mailnix: Run, config: Path, out: Path, tmp_path: Path) -> None:
    finding = {"id": "proxy.units", "subject": "x\ud800", "vantage": "here", "severity": "failure", "answer": "wrong"}
    (tmp_path / "doctor.json").write_text(json.dumps([{**finding, "evidence": "e\udfff", "advice": "\x1b[2J"}]))
    said = mailnix("guide", config, "--out", out, "--doctor", tmp_path / "doctor.json")
    assert (said.status, said.err.count("Error")) == (0, 0)
    assert "proxy.units" in out.read_text()
