"""Every place, in the order in which the machines are brought there."""

from __future__ import annotations

from typing import Final

from mailnix.lab.places import homes, proxies
from mailnix.lab.places.place import Place

PLACES: Final[tuple[Place, ...]] = (
    *proxies.DYNAMIC,
    *proxies.FIXED,
    *proxies.TWO_CARDS,
    *homes.NETWORKS,
    *homes.WAYS,
)
