"""What happens to a place while both machines are there, after which the tunnel must heal by itself."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from mailnix.lab.places import rules
from mailnix.lab.places.homes import CARRIER, MOVING
from mailnix.lab.places.ordinary import MOVED4, PRIVATE4
from mailnix.lab.places.outside import CARRIER_OUTER, ENDPOINT, HOME_PUBLIC, HOME_PUBLIC_NEW, OUT, RUN
from mailnix.lab.places.place import HOME, PROXY, PUBLIC4, Place
from mailnix.lab.places.proxies import DYNAMIC
from mailnix.lab.places.router import NAMES, names_changed, write


@frozen
class Event:
    """Something that happens at `place`: what is told of it, and the router's script that does it."""

    id: str
    told: str
    place: Place
    script: str


NEW_ADDRESS: Final = Event(
    "home-address-changes",
    "the home's provider gives it another public address, and its router forgets every connection",
    DYNAMIC[0],
    f"""\
set -e
ip -n {HOME} address add {HOME_PUBLIC_NEW}/32 dev {OUT}
ip -n {HOME} address delete {HOME_PUBLIC}/32 dev {OUT}
""",
)
DEAD_MAPPING: Final = Event(
    "carrier-keeps-a-dead-mapping",
    "the home's carrier goes on translating the tunnel to an address that is its own no more",
    CARRIER,
    "\n".join(
        (
            "set -e",
            write(f"{RUN}/carrier.nft", rules.NEXT_CARRIER),
            f"nft -f {RUN}/carrier.nft",
            write(f"{RUN}/gone.nft", rules.gone(CARRIER_OUTER)),
            f"ip netns exec {PROXY} nft -f {RUN}/gone.nft",
        )
    ),
)
MOVED: Final = Event(
    "endpoint-moves",
    "the proxy's provider gives it another public address, and its name follows",
    MOVING,
    "\n".join(
        (
            "set -e",
            write(NAMES, f"{MOVED4} {ENDPOINT}\n"),
            names_changed(),
            f"ip netns exec {PROXY} nft flush ruleset",
            write(f"{RUN}/moved.nft", rules.translated(((MOVED4, PRIVATE4),)) + rules.gone(PUBLIC4)),
            f"ip netns exec {PROXY} nft -f {RUN}/moved.nft",
        )
    ),
)
EVENTS: Final = (NEW_ADDRESS, DEAD_MAPPING, MOVED)
