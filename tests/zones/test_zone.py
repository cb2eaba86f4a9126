"""Zone files are valid, sorted by need, and say why."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailnix.plan import DnsRecord, Need, derive
from mailnix.run import run
from mailnix.zones import zone
from mailnix.zones.zone import zone_text
from tests.descriptions import sound

SOA = "@ 60 IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 60\n@ 60 IN NS ns.invalid.\n"


def test_bind_takes_each_zone(records: Sequence[DnsRecord], tmp_path: Path) -> None:
    tool = shutil.which("named-checkzone")
    if tool is None:
        pytest.skip("named-checkzone is not installed (apt-get install bind9-utils)")
    made = zone.files(records)
    assert set(made) == {"example.org.zone", "xn--bcher-kva.de.zone"}
    for name, text in made.items():
        path = tmp_path / name
        path.write_text(SOA + text)
        ended = run([tool, "-i", "local", name.removesuffix(".zone"), path], check=False)
        assert ended.status == 0, ended.stdout


def test_every_record_stands_below_its_need_and_its_reason(records: Sequence[DnsRecord]) -> None:
    for record in (each for each in records if each.zone):
        lines = zone.files(records)[f"{record.zone}.zone"].splitlines()
        at = next(
            n
            for n, line in enumerate(lines)
            if line.removeprefix("; ").startswith(f"{record.name}. IN {record.type} {record.data}")
        )
        above = [line for line in lines[:at] if line.startswith("; ")]
        assert above[-1] == f"; {record.reason}"
        assert [line for line in above if line[2:].lower() in set(Need)][-1] == f"; {record.need.upper()}"


def test_what_is_needed_comes_first_and_each_heading_once() -> None:
    lines = zone_text(derive(sound()).records).splitlines()
    headings = [line[2:].lower() for line in lines if line[2:].lower() in set(Need)]
    assert headings == list(Need)
    reasons = [line for line in lines if any(line == f"; {record.reason}" for record in derive(sound()).records)]
    assert len(reasons) == len(set(reasons))


def test_mail_does_not_work_without_what_is_required() -> None:
    required = {record.type for record in derive(sound()).records if record.need is Need.REQUIRED}
    assert required == {"A", "AAAA", "MX", "PTR", "TXT"}
    needs = {record.name: record.need for record in derive(sound()).records if record.type == "TXT"}
    assert needs["example.org"] is needs["dkim._domainkey.example.org"] is Need.REQUIRED
    assert needs["_dmarc.example.org"] is Need.RECOMMENDED
    assert needs["_smtp._tls.example.org"] is Need.OPTIONAL


def test_a_reason_is_one_short_line() -> None:
    for record in derive(sound()).records:
        assert 10 < len(record.reason) < 100, record  # Cloudflare's comments end there
        assert "\n" not in record.reason
