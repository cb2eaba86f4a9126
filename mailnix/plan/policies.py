"""The texts of what a domain publishes about its mail: SPF, DMARC, MTA-STS, TLS-RPT, CAA."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from mailnix.model import spf as mechanisms
from mailnix.model.policies import Alignment, MtaStsMode
from mailnix.model.relays import Relay
from mailnix.model.topology import Domain

CERTIFICATE_AUTHORITY: Final = "letsencrypt.org"  # as CAA names it (RFC 8659)
MTA_STS_MAX_AGE: Final = 604_800  # seconds; one week
MTA_STS_LAST_AGE: Final = 86_400  # seconds; a day, of the policy that says that there is none any more (RFC 8461 8.3)


def spf(own: Iterable[str], domain: Domain, relays: Iterable[Relay]) -> str:
    """A domain's SPF record: our own mechanisms, then those of the relays and of others who send for it."""
    others = (mechanisms.normal(text) for texts in (*(relay.spf for relay in relays), domain.spf) for text in texts)
    return " ".join(("v=spf1", *dict.fromkeys((*own, *others)), "-all"))


def own_senders(mx: Iterable[str], domain: Domain) -> tuple[str, ...]:
    """Mechanisms that name our proxies.

    `mx` names every MX host; where one is not ours, each of ours is named instead, for `mx` would let that one send.
    """
    if not domain.backup_mx:
        return ("mx",)
    return tuple(f"a:{name}" for name in mx if name not in domain.backup_mx)


def dmarc(domain: Domain, rua: str) -> str:
    """A domain's DMARC record (RFC 7489 6.3). `p` comes first, for some receivers read no further."""
    # Nothing of ours needs a relaxed alignment: mail is signed and sent as the very domain. Others often send as a
    # subdomain; where there are none, whoever gets hold of a subdomain shall not send as the domain.
    usual = Alignment.RELAXED if domain.spf else Alignment.STRICT
    tags = {
        "p": domain.dmarc,
        **({"sp": domain.sp} if domain.sp is not None else {}),
        "rua": rua,
        "adkim": domain.adkim or usual,
        "aspf": domain.aspf or usual,
    }
    return "; ".join(("v=DMARC1", *(f"{tag}={value}" for tag, value in tags.items())))


def mta_sts_name(domain: str) -> str:
    """The host that serves a domain's MTA-STS policy (RFC 8461 3.3)."""
    return f"mta-sts.{domain}"


def mta_sts_record_name(domain: str) -> str:
    """Where a domain says that it has an MTA-STS policy (RFC 8461 3.1)."""
    return f"_mta-sts.{domain}"


def mta_sts_policy(mode: MtaStsMode, mx_names: Iterable[str]) -> str:
    """The policy file's text (RFC 8461 3.2), which allows LF alone."""
    mx = [f"mx: {name}" for name in mx_names]
    max_age = MTA_STS_LAST_AGE if mode is MtaStsMode.NONE else MTA_STS_MAX_AGE
    return "\n".join(["version: STSv1", f"mode: {mode}", *mx, f"max_age: {max_age}", ""])


def mta_sts_record(policy: str) -> str:
    """The TXT record that says which policy is in force: another text, another id."""
    return f"v=STSv1; id={hashlib.sha256(policy.encode()).hexdigest()[:20]}"


def _names_ours(authority: str) -> bool:
    return authority.partition(";")[0].strip().lower() == CERTIFICATE_AUTHORITY


def caa(authorities: Sequence[str], reports: str) -> Iterator[str]:
    """CAA records (RFC 8659 4) by which these authorities may sign, and where others shall report who asked."""
    ours = [authority for authority in authorities if _names_ours(authority)]  # with parameters: not to be widened
    for authority in dict.fromkeys((*(ours or (CERTIFICATE_AUTHORITY,)), *authorities)):
        yield f'0 issue "{authority}"'
    yield f'0 iodef "{reports}"'
