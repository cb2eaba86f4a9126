"""proxy.*: what is asked on the public machines."""

from __future__ import annotations

from typing import Final

from mailnix.doctor.machines.gather import BY_SSH, Ways, group
from mailnix.doctor.machines.judges import certificates, deployed, mail, network, system
from mailnix.doctor.machines.seen import PROXY, Asking, Machines
from mailnix.doctor.registry import Group

CHECKS: Final[tuple[Asking, ...]] = (
    *system.CHECKS,
    *network.CHECKS,
    *network.OF_PROXIES,
    *mail.OF_PROXIES,
    *certificates.CHECKS,
    *deployed.CHECKS,
)


def proxies(ways: Ways = BY_SSH) -> Group[Machines]:
    """The group, by other ways than SSH where there are some."""
    return group(PROXY, lambda plan: plan.proxies, CHECKS, ways)


GROUP: Final = proxies()
