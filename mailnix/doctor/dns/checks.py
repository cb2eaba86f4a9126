"""The table of checks of names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final

from mailnix import resolve
from mailnix.doctor.dns import caa, published, records, served, zones
from mailnix.doctor.dns.facts import DnsFacts
from mailnix.doctor.dns.gather import PUBLIC, Doors, gathered
from mailnix.doctor.looking import Network
from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Check, Severity, Vantage, Verdict
from mailnix.errors import ResolveError

NAME: Final = "dns"
_Judge = Callable[[DnsFacts], Iterable[Verdict]]


def _check(
    name: str,
    title: str,
    judge: _Judge,
    severity: Severity = Severity.FAILURE,
    vantage: Vantage = Vantage.AUTHORITATIVE,
) -> Check[DnsFacts]:
    return Check(f"{NAME}.{name}", title, severity, vantage, judge)


_WARNING: Final = Severity.WARNING
CHECKS: Final = (
    _check("servers", "Every server of a zone answers for it, and all have the same version.", zones.servers),
    _check("resolvers", "Recursive resolvers find the zones.", zones.resolvers, vantage=Vantage.RESOLVER),
    _check("dnssec", "A zone's signatures hold, or it is not signed.", zones.dnssec, vantage=Vantage.RESOLVER),
    _check("alias", "A mail domain or a host is no alias (CNAME).", records.alias),
    _check("mx", "Mail for each domain goes to the described hosts, and to no other.", records.mx),
    _check("host", "Host names lead to the proxies, by IPv4 and IPv6, and nowhere else.", records.host),
    _check("ptr", "Each address has the name with which its proxy greets.", records.ptr),
    _check("spf", "Each domain has one SPF record, as described.", published.spf),
    _check(
        "spf_result",
        "By SPF the proxies may send, nobody else may, and receivers need no more look-ups than they make.",
        published.spf_result,
        vantage=Vantage.RESOLVER,
    ),
    _check("spf_helo", "Host names have an SPF record, for bounces.", partial(published.texts, "spf_helo"), _WARNING),
    _check("dkim", "Each domain's DKIM key is the one that signs.", published.dkim),
    _check("dmarc", "Each domain has one DMARC record, as described.", partial(published.texts, "dmarc")),
    _check(
        "dmarc_reports",
        "Who gets reports about another domain agrees to it.",
        partial(published.texts, "dmarc_reports"),
        _WARNING,
    ),
    _check("mta_sts", "The record of the MTA-STS policy is the policy's.", published.mta_sts, _WARNING),
    _check("mta_sts_host", "The name that serves the policy leads to the proxies.", records.mta_sts_host, _WARNING),
    _check("mta_sts_policy", "Each proxy serves the described policy.", served.mta_sts_policies, vantage=Vantage.HERE),
    _check("tls_rpt", "Each domain says where reports about TLS go.", partial(published.texts, "tls_rpt"), _WARNING),
    _check("tlsa", "Keys in TLSA records are those that the servers show.", served.tlsa, vantage=Vantage.RESOLVER),
    _check("caa", "The certificate authority in use may sign for every name, and no other.", caa.caa),
    _check("srv", "Mail programs find the described services.", records.srv, _WARNING),
    _check("dav", "Calendar and contact programs find their path.", partial(published.texts, "dav"), _WARNING),
    _check("autoconfig", "Names that are asked for settings lead to the proxies.", records.autoconfig, _WARNING),
)


def gather(scene: Scene, wanted: Collection[str]) -> DnsFacts:
    """Ask the resolvers that the scene names, or this machine's and public ones."""
    return gathered(scene.plan, Doors(resolvers(scene.resolvers), Network(scene.authorities)), wanted)


def resolvers(named: Iterable[str]) -> tuple[resolve.Server, ...]:
    """Those that are named; else this machine's, where it has some, and public ones."""
    given = tuple(resolve.server(each) for each in named)
    if given:
        return given
    public = tuple(resolve.server(each) for each in PUBLIC)
    try:
        return (resolve.system(), *public)
    except ResolveError:
        return public


GROUP: Final = Group(NAME, CHECKS, gather)
