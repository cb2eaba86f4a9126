"""internal.*: what is asked on the machine at home."""

from __future__ import annotations

from typing import Final

from mailnix.doctor.machines.gather import BY_SSH, Ways, group
from mailnix.doctor.machines.judges import certificates, deployed, home, mail, network, system
from mailnix.doctor.machines.seen import HOME, Asking, Machines
from mailnix.doctor.registry import Group

CHECKS: Final[tuple[Asking, ...]] = (
    *system.CHECKS,
    *network.CHECKS,
    *home.CHECKS,
    *mail.OF_HOME,
    *certificates.CHECKS,
    *deployed.CHECKS,
)


def at_home(ways: Ways = BY_SSH) -> Group[Machines]:
    """The group, by other ways than SSH where there are some."""
    return group(HOME, lambda plan: (plan.internal,), CHECKS, ways)


GROUP: Final = at_home()
