"""The table of checks from outside."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mailnix import resolve
from mailnix.doctor.dns.checks import resolvers
from mailnix.doctor.looking import Network
from mailnix.doctor.outside import blocklists, judges, web
from mailnix.doctor.outside.facts import OutsideFacts
from mailnix.doctor.outside.gather import Doors, gathered, straight
from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Check, Severity, Vantage

_BAD: Final = Severity.FAILURE
_MILD: Final = Severity.WARNING
_HERE: Final = Vantage.HERE
_RESOLVER: Final = Vantage.RESOLVER
CHECKS: Final[tuple[Check[OutsideFacts], ...]] = (
    Check("outside.port", "Every public port of the proxies answers.", _BAD, _HERE, judges.open_ports),
    Check("outside.greeting", "Port 25 greets with the name that its address has.", _BAD, _HERE, judges.greeting),
    Check("outside.tls", "TLS begins at every port that is to have it.", _BAD, _HERE, judges.tls),
    Check(
        "outside.certificate", "Clients take each certificate, which has time left.", _BAD, _HERE, judges.certificate
    ),
    Check("outside.issuer", "Certificates come from the authority that CAA names.", _MILD, _HERE, judges.issuer),
    Check("outside.login", "Mail programs may log in, in TLS only.", _BAD, _HERE, judges.login),
    Check("outside.relay", "No stranger sends mail to others through the proxies.", _BAD, _HERE, judges.relay),
    Check("outside.web", "Mailcow's pages come through the tunnel.", _BAD, _HERE, web.web),
    Check("outside.settings", "Mail programs are told the described servers.", _MILD, _HERE, web.settings),
    Check("outside.blocklist", "No block list has an address or a domain.", _BAD, _RESOLVER, blocklists.blocklists),
)


def gather(scene: Scene, wanted: Collection[str]) -> OutsideFacts:
    """Look from here; names are asked of the first resolver that answers, block lists that refuse it are asked here."""
    first = resolve.first_of(resolve.recursive(each) for each in resolvers(scene.resolvers))
    doors = Doors(Network(scene.authorities), first, (first, straight(first)))
    return gathered(scene.plan, scene.now, doors, wanted)


GROUP: Final = Group("outside", CHECKS, gather)
