"""Both machines in many places: what a provider or a home does is swapped under them while they run.

The proxy is the image that `mailnix build` makes; the machine at home is its own without Docker and Mailcow. The first
place is seen by the first boot of both, others by a boot that follows, the rest by services that start anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.lab.places import ground as grounds
from mailnix.lab.places import shown
from mailnix.lab.places.catalogue import PLACES
from mailnix.lab.places.events import EVENTS, Event
from mailnix.lab.places.ground import Ground
from mailnix.lab.places.place import Place


@pytest.fixture(scope="module")
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Router, proxy and machine at home, in the first place."""
    given = request.config.getoption("--mailnix-lab-dir")
    folder = Path(given) / "places" if given else tmp_path_factory.mktemp("places")
    resume = bool(request.config.getoption("--mailnix-resume"))
    with grounds.start(folder, PLACES[0], print, resume=resume) as running:
        yield running


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.id)
def test_both_machines_work_where_they_are(place: Place, request: pytest.FixtureRequest) -> None:
    if place.seldom and os.environ.get("MAILNIX_PLACES") != "all":
        pytest.skip("MAILNIX_PLACES=all goes there, too")
    ground: Ground = request.getfixturevalue("ground")
    ground.go(place)
    shown.show(ground)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
def test_the_tunnel_heals_by_itself(event: Event, ground: Ground) -> None:
    ground.go(event.place)
    shown.tunnel(ground)
    shown.heals(ground, event.script)
