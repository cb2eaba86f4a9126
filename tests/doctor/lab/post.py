"""Mail out of a lab's home and back into it: what the far server wrote into a mail is seen in its mailbox."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from mailnix.doctor.e2e.gather import Arrived, Post
from mailnix.doctor.e2e.judge import Trip
from mailnix.doctor.e2e.live import HomePost, Way
from mailnix.doctor.machines.reach import Door
from mailnix.lab.internet.mail import CAROL
from mailnix.lab.scenario import Scene

DKIM_IS_STRICT: Final = True  # the described DMARC records say adkim=s


@define(eq=False)
class FarPost:
    """A Post: ours is handed over at home, as live; the other one by the mail server elsewhere."""

    scene: Scene
    home: HomePost
    far: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.far = self.home.way.to

    @property
    def out(self) -> Trip:
        """To a mailbox elsewhere."""
        server = self.scene.layout.mx.name
        return Trip(self.home.way.sender, self.far, server=server, strict=DKIM_IS_STRICT)

    @property
    def back(self) -> Trip:
        """From there."""
        return Trip(self.far, self.home.way.sender, server=self.home.hostname)

    def send(self, trip: Trip, token: str, /) -> None:
        """Hand a mail over at its beginning."""
        if trip.sender == self.far:
            self.scene.post("send", timeout=1, sender=self.far, to=trip.to, token=token)
        else:
            self.home.send(trip, token)

    def find(self, trip: Trip, token: str, /) -> Arrived | None:
        """Look into the mailbox at its end."""
        if trip.sender == self.far:
            return self.home.find(trip, token)
        found = self.scene.post("inbox", mailbox=self.far, token=token)["messages"]
        return Arrived(raw=found[0].encode()) if found else None


def post(scene: Scene, doors: dict[str, Door]) -> Post:
    """Between the first mailbox and one elsewhere."""
    way = Way(scene.user, scene.layout.mailbox(CAROL))
    proxies = {proxy.name: doors[proxy.name] for proxy in scene.plan.proxies}
    return FarPost(scene, HomePost(way, scene.plan.topology.hostname, doors[scene.plan.internal.name], proxies))
