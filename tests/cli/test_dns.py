"""`mailnix dns`: records for people, for programs and for pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.plan import Need
from tests.cli.conftest import CONFIG, Run

TWO = CONFIG.replace("domains=[", 'domains=[Domain("example.net", mailboxes=["bob"]),')


def test_show_is_the_verb_where_none_is_named(mailnix: Run, config: Path) -> None:
    assert mailnix("dns", config).out == mailnix("dns", "show", config).out
    assert mailnix("dns", "--format", "json", config).out == mailnix("dns", "show", config, "--json").out


def test_help_names_the_verb(mailnix: Run) -> None:
    said = mailnix("dns", "--help").out
    assert "\n  show " in said


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
