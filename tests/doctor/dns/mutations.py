"""What becomes of a record: another one, as somebody might have had before, and the id of the check that finds it."""

from __future__ import annotations


def id_of(name: str, kind: str, data: str) -> str:
    """Under which id a fault of this record is to be found, as people would look for it."""
    by_kind = {"A": "host", "AAAA": "host", "MX": "mx", "PTR": "ptr", "SRV": "srv", "CAA": "caa"}
    if kind in by_kind:
        return f"dns.{by_kind[kind]}"
    if kind == "CNAME":
        return "dns.mta_sts_host" if name.startswith("mta-sts.") else "dns.autoconfig"
    labels = {
        "dkim": "dkim",
        "_dmarc": "dmarc",
        "_mta-sts": "mta_sts",
        "_smtp": "tls_rpt",
        "_caldavs": "dav",
        "_carddavs": "dav",
        "mail": "spf_helo",
    }
    if "._report._dmarc." in name:
        return "dns.dmarc_reports"
    return f"dns.{labels.get(name.partition('.')[0], 'spf')}"


def otherwise(kind: str, data: str) -> str:
    """Another record of that type, as somebody might have had before."""
    match kind:
        case "A":
            return "198.51.100.66"
        case "AAAA":
            return "2001:db8:66::1"
        case "MX":
            return "5 mx.provider.example."
        case "PTR" | "CNAME":
            return "vps66.provider.example."
        case "SRV":
            return "0 1 1025 old.provider.example."
        case "CAA":
            return '0 issue "other.example"' if "issue" in data else '0 iodef "mailto:who@provider.example"'
        case _:
            return _other_text(data)


def _other_text(data: str) -> str:
    if "spf1" in data:
        return '"v=spf1 ip4:198.51.100.66 -all"'
    if "DMARC1" in data and "p=" not in data:
        return '"v=DMARC1; rua=mailto:old@example.net"'
    tags = {
        "; p=none": "; p=reject",
        "p=TUlJ": "p=YWJj",
        "id=": "id=0",
        "rua=mailto:": "rua=mailto:x",
        "path=": "path=/x",
    }
    tag = next(each for each in tags if each in data)
    return data.replace(tag, tags[tag])
