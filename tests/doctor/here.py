"""Servers in memory, as the doctor meets them from where it runs."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from mailnix.doctor.here import Asked, Page, Reached, Replies, Served, Spoken, Target
from mailnix.plan import Plan
from mailnix.plan.dns import mta_sts_policy
from mailnix.plan.policies import mta_sts_name
from rig.certificates import Certificate, make

CERTIFICATE = make("mail.example.org")


def served(certificate: Certificate, name: str = "mail.example.org", fault: str = "") -> Served:
    """A certificate as a server shows it."""
    return Served(name, certificate.der, fault)


@define
class Elsewhere:
    """Pages by (host, path), sessions by (address, port); who is not here is silent."""

    pages: dict[tuple[str, str], Page] = field(factory=dict)
    sessions: dict[tuple[str, int], Spoken] = field(factory=dict)
    replies: dict[tuple[str, int], Replies] = field(factory=dict)

    def session(self, target: Target) -> Spoken:
        """As `Here` says."""
        return self.sessions.get((target.address, target.port), Spoken(Reached.SILENT, why=Reached.SILENT.value))

    def dialogue(
        self, address: str, port: int, lines: Sequence[str], *, tls: bool = False, starttls: bool = False
    ) -> Replies:
        """As `Here` says."""
        return self.replies.get((address, port), Replies(Reached.SILENT))

    def connect(self, address: str, port: int) -> Reached:
        """As `Here` says."""
        return self.session(Target(address, port, "", "")).reached

    def page(self, asked: Asked) -> Page:
        """As `Here` says."""
        return self.pages.get((asked.host, asked.path), Page(Reached.SILENT))

    @classmethod
    def as_described(cls, plan: Plan) -> Elsewhere:
        """Servers that do what a plan says."""
        pages = {
            (mta_sts_name(domain.name), "/.well-known/mta-sts.txt"): Page(
                Reached.YES, 200, "text/plain", mta_sts_policy(plan.topology, plan.proxies, domain)
            )
            for domain in plan.topology.domains
        }
        session = Spoken(Reached.YES, f"220 {plan.topology.hostname} ESMTP", (), (), served(CERTIFICATE))
        sessions = {
            (str(address), 25): session for proxy in plan.proxies for address in (proxy.ipv4, proxy.ipv6) if address
        }
        return cls(pages, sessions)
