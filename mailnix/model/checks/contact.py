"""The address for whoever has something to tell: an authority about certificates, receivers about our mail."""

from __future__ import annotations

from typing import Final

from mailnix.model import reach
from mailnix.model.checks.found import Found, domains_by_name, machine_names
from mailnix.model.mail import address_of
from mailnix.model.names import bare_address, mail_problem
from mailnix.model.topology import Topology

_EXAMPLE: Final = "write an address such as postmaster@example.org"


def check(topology: Topology, found: Found) -> None:
    """Check that it is an address, and that somebody gets what comes for it."""
    contact = topology.contact
    if not isinstance(contact, str):
        return
    address = address_of(contact, "")
    local_part, _, name = address.rpartition("@")
    if (problem := mail_problem(address)) is not None:
        bare = bare_address(contact)
        found.error("contact", problem, f"write {bare}" if bare else _EXAMPLE)
        return
    domains = domains_by_name(topology)
    if name in machine_names(topology):
        found.error("contact", f"{name} is a machine's name, and takes no mail", _EXAMPLE)
    elif name not in domains:
        found.warning(
            "contact",
            f"{name} is not one of the domains: receivers may refuse to send reports there (RFC 7489 7.1)",
            "use an address of your own, or have its zone publish what `mailnix dns` says at its end",
        )
    elif not reach.arrives(address, domains.get):
        hint = f'add a mailbox or Alias("{local_part}", to=[…]) there, or name another address'
        found.error("contact", f"nobody gets mail for {address}", hint)
