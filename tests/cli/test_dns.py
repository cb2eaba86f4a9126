"""`mailnix dns`: records for people, for programs and for pages, and what is published of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from socketserver import DatagramRequestHandler, ThreadingUDPServer

import dns.message
import dns.rcode
import pytest

from mailnix import pipeline
from mailnix.plan import Need
from rig import signed_dns
from rig.servers import running
from rig.waiting import free_net
from tests.cli.conftest import CONFIG, Run

TWO = CONFIG.replace("domains=[", 'domains=[Domain("example.net", mailboxes=["bob"]),')


@pytest.fixture
def keys(mailnix: Run, config: Path) -> Path:
    """The description, with its keys made."""
    assert mailnix("secrets", "init", config).status == 0
    return config


def test_show_is_the_verb_where_none_is_named(mailnix: Run, config: Path) -> None:
    assert mailnix("dns", config).out == mailnix("dns", "show", config).out
    assert mailnix("dns", "--format", "json", config).out == mailnix("dns", "show", config, "--json").out


def test_help_names_both_verbs(mailnix: Run) -> None:
    said = mailnix("dns", "--help").out
    assert "\n  show " in said
    assert "\n  diff " in said


def test_need_and_reason_are_there_for_programs(mailnix: Run, config: Path) -> None:
    (mx,) = (record for record in mailnix("dns", config, "--json").json if record["type"] == "MX")
    assert mx["need"] == Need.REQUIRED
    assert mx["reason"]
    assert mx["zone"] == "example.org"


@pytest.mark.parametrize(
    ("form", "begins"),
    [("zone", "$TTL"), ("json", "["), ("octodns", "---"), ("dnscontrol", "//")],
)
def test_one_zone_is_printed_in_any_form(mailnix: Run, config: Path, form: str, begins: str) -> None:
    said = mailnix("dns", config, "--format", form)
    assert said.status == 0
    assert said.out.startswith(begins)


def test_a_form_with_a_file_for_each_zone_wants_to_know_where(mailnix: Run, config: Path, tmp_path: Path) -> None:
    config.write_text(TWO)
    said = mailnix("dns", config, "--format", "octodns")
    assert (said.status, said.out) == (1, "")
    assert "a file for each of 2 zones" in said.err
    assert "--out DIR" in said.err
    out = tmp_path / "zones"
    said = mailnix("dns", config, "--format", "octodns", "--out", out)
    assert (said.status, said.out) == (0, "")
    assert sorted(path.name for path in out.glob("*.yaml")) == ["example.net.yaml", "example.org.yaml"]


def test_files_of_a_folder_that_is_somebodys_are_left_alone(mailnix: Run, config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/example.org.yaml").write_text("www: mine")
    said = mailnix("dns", config, "--format", "octodns", "--out", tmp_path / "mine")
    assert said.status == 1
    assert "was not written by mailnix" in said.err
    assert (tmp_path / "mine/example.org.yaml").read_text() == "www: mine"


@pytest.mark.parametrize("words", [["--format", "dnscontrol"], ["--provider", "hetzner"]])
def test_reverse_names_are_told_and_in_no_file_for_programs(mailnix: Run, config: Path, words: list[str]) -> None:
    said = mailnix("dns", config, *words)
    assert "to be set elsewhere: 1.100.9.5.in-addr.arpa PTR mail.example.org. (set this at your provider)" in said.err
    assert "in-addr.arpa" not in said.out


def test_a_table_for_a_provider(mailnix: Run, config: Path) -> None:
    said = mailnix("dns", config, "--provider", "cloudflare")
    assert said.status == 0
    assert said.out.startswith("For Cloudflare.")
    said = mailnix("dns", config, "--provider", "nobody")
    assert said.status == 1
    assert "cloudflare" in said.err


def test_opentofu_wants_a_provider(mailnix: Run, config: Path) -> None:
    assert mailnix("dns", config, "--format", "opentofu").status == 1
    said = mailnix("dns", config, "--format", "opentofu", "--provider", "hetzner")
    assert set(said.json["resource"]) == {"hcloud_zone_rrset"}


@pytest.mark.parametrize("words", [["--format", "zone"], ["--json"], ["--out", "zones"]])
def test_a_provider_goes_with_a_table_or_opentofu(mailnix: Run, config: Path, words: list[str]) -> None:
    assert mailnix("dns", config, "--provider", "hetzner", *words).status == 2


@pytest.fixture
def published(keys: Path, tmp_path: Path) -> Iterator[str]:
    """A server with the records of the description, but for its MX: the address of a real unbound before it."""
    if why := signed_dns.missing():
        pytest.skip(why)
    net = free_net()
    lines = [f"{r.name}. 60 IN {r.type} {r.data}" for r in pipeline.plan(keys).records if r.type != "MX"]
    authority = signed_dns.authority(f"{net}.54", lines)
    authority.open()
    try:
        with signed_dns.resolver(tmp_path / "unbound", f"{net}.53", authority) as unbound:
            yield unbound.address
    finally:
        authority.close()


def test_what_is_missing_at_a_server_is_told(mailnix: Run, keys: Path, published: str) -> None:
    said = mailnix("dns", "diff", keys, "--server", published)
    assert said.status == 1
    first, *rest = said.out.splitlines()
    assert first == "example.org MX: missing (required): where mail for the domain is brought"
    assert "    should  10 mail.example.org." in rest
    assert f"    asked: {published}" in rest
    assert rest[-1].endswith(" as described, 1 missing")


def test_what_is_missing_is_there_for_programs(mailnix: Run, keys: Path, published: str) -> None:
    found = mailnix("dns", "diff", keys, "--server", f"{published}:53", "--json").json
    (finding,) = found["findings"]
    assert (finding["state"], finding["name"], finding["need"]) == ("missing", "example.org", "required")
    assert found["same"] > 15


class Refusal(DatagramRequestHandler):
    """Answers REFUSED, whatever is asked."""

    def handle(self) -> None:
        answer = dns.message.make_response(dns.message.from_wire(self.rfile.read()))
        answer.set_rcode(dns.rcode.REFUSED)
        self.wfile.write(answer.to_wire())


def test_who_refuses_gives_another_status_than_a_difference(mailnix: Run, config: Path) -> None:
    with ThreadingUDPServer(("127.0.0.1", 0), Refusal) as server, running(server) as port:
        said = mailnix("dns", "diff", config, "--server", f"127.0.0.1:{port}")
    assert said.status == 3
    assert said.out.startswith("mail.example.org A: could not ask: 127.0.0.1")
    assert said.out.endswith("0 as described, 1 could not ask\n")
    assert "dkim._domainkey.example.org" in said.err


def test_a_server_that_is_none_is_one_clear_line(mailnix: Run, config: Path) -> None:
    said = mailnix("dns", "diff", config, "--server", "192.0.2.1:dns")
    assert said.status == 3
    assert said.err.splitlines()[-2].startswith("mailnix: '192.0.2.1:dns' names no DNS server")


@pytest.mark.parametrize("words", [["missing.py"], [], ["--nonsense"]])
def test_what_cannot_be_compared_is_no_difference(mailnix: Run, words: list[str]) -> None:
    said = mailnix("dns", "diff", *words)
    assert (said.status, said.out) == (3, "")
    assert said.err
