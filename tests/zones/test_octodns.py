"""octoDNS itself reads what is made for it, and finds nothing to complain of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailnix.plan import DnsRecord, Need
from mailnix.zones import octodns, parts

octodns_yaml = pytest.importorskip("octodns.yaml", reason="octodns is not installed: pip install -e '.[dev]'")


def loaded(folder: Path, zone: str) -> Any:
    from octodns.provider.yaml import YamlProvider
    from octodns.zone import Zone

    provider = YamlProvider("mail", str(folder), enforce_order=True, escaped_semicolons=True)
    found = Zone(f"{zone}.", [])
    provider.populate(found)
    return found


def as_data(record: Any) -> set[str]:
    """Values of octoDNS as the data of our records."""
    match record._type:
        case "TXT":
            return {value.replace("\\;", ";") for value in record.values}
        case "MX":
            return {f"{value.preference} {value.exchange}" for value in record.values}
        case "SRV":
            return {f"{value.priority} {value.weight} {value.port} {value.target}" for value in record.values}
        case "CAA":
            return {f'{value.flags} {value.tag} "{value.value}"' for value in record.values}
        case "TLSA":
            return {
                f"{value.certificate_usage} {value.selector} {value.matching_type} {value.certificate_association_data}"
                for value in record.values
            }
        case "CNAME":
            return {record.value}
    return set(record.values)


def test_octodns_reads_every_record(records: Sequence[DnsRecord], tmp_path: Path) -> None:
    made = octodns.files(records)
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    for zone, members in parts.zones(records).items():
        found = {(record.fqdn.rstrip("."), record._type): as_data(record) for record in loaded(tmp_path, zone).records}
        wanted: dict[tuple[str, str], set[str]] = {}
        for record in members:
            data = parts.text(record.data) if record.type == "TXT" else record.data
            wanted.setdefault((record.name, record.type), set()).add(data)
        assert found == wanted


def test_it_may_be_a_source_beside_others_which_have_no_set_of_ours(
    records: Sequence[DnsRecord], tmp_path: Path
) -> None:
    from octodns.provider.yaml import YamlProvider
    from octodns.zone import DuplicateRecordException, Zone

    for name, text in octodns.files(records).items():
        (tmp_path / name).write_text(text)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/example.org.yaml").write_text("www: {type: A, value: 192.0.2.80}\n")
    found = Zone("example.org.", [])
    for folder in ("mine", "."):
        YamlProvider(folder, str(tmp_path / folder), escaped_semicolons=True).populate(found)
    assert {"www", "_dmarc"} <= {record.name for record in found.records}
    (tmp_path / "mine/example.org.yaml").write_text("'': {type: TXT, value: hello}\n")
    with pytest.raises(DuplicateRecordException):
        YamlProvider("mine", str(tmp_path / "mine"), escaped_semicolons=True).populate(found)


labels = st.text(alphabet="ab_-0129", min_size=1, max_size=6).filter(lambda text: text.strip("-_") == text)


@settings(deadline=None)
@given(st.lists(st.lists(labels, min_size=1, max_size=3).map(".".join), min_size=1, max_size=8, unique=True))
def test_names_stand_in_the_order_that_octodns_enforces(names: list[str]) -> None:
    records = [DnsRecord("example.org", f"{n}.example.org", "A", "192.0.2.1", Need.OPTIONAL, "why") for n in names]
    (text,) = octodns.files(records).values()
    assert set(octodns_yaml.safe_load(text, enforce_order=True)) == set(names)
