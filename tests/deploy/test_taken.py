"""A new address for home that another machine of its network has."""

from __future__ import annotations

import json
import os
import sys

import pytest

from mailnix import Internal
from mailnix.deploy.deploying import deploy
from mailnix.deploy.machine import Unreached
from mailnix.deploy.remote import NEIGHBOUR
from mailnix.deploy.values import End
from mailnix.errors import DeployError
from mailnix.plan import derive
from mailnix.run import run
from tests.deploy.machines import Stage
from tests.descriptions import sound

NETWORK = """\
set -eu
unshare --net sleep 60 &
other=$!
trap 'kill $other' EXIT
until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link add v0 type veth peer name v1 netns $other
ip address add 192.0.2.1/24 dev v0 && ip link set v0 up
nsenter --net=/proc/$other/ns/net ip address add 192.0.2.7/24 dev v1
nsenter --net=/proc/$other/ns/net ip link set v1 up address 02:00:00:00:00:07
until [ "$(cat /sys/class/net/v0/operstate 2>/dev/null || echo up)" = up ]; do :; done
"$0" -I - "$1"
"""
"""This machine and another one at a cable's two ends."""


@pytest.fixture
def moved(stage: Stage) -> Stage:
    """Home gets an address of its network that is described."""
    stage.plan = derive(sound(internal=Internal("internal", ipv4="192.168.1.20", gateway="192.168.1.1")))
    stage.packages.digests["internal"] = "another address"
    return stage


OWNER = "the machine with the card 02:00:00:00:00:07 has it"


@pytest.mark.parametrize("dry_run", [False, True])
def test_is_refused_before_anything_is_sent(moved: Stage, *, dry_run: bool) -> None:
    moved["internal"].taken = OWNER
    with pytest.raises(DeployError, match=rf"internal cannot have 192\.168\.1\.20, .*: {OWNER}$"):
        deploy(moved.deploying(dry_run=dry_run))
    assert moved.calls("receive") == moved.calls("switch") == []


def test_may_be_had_where_it_is_free(moved: Stage) -> None:
    assert deploy(moved.deploying()).machines[0].end is End.CONFIRMED
    assert moved.calls("free 192.168.1.20") == ["internal"]


def test_may_be_had_where_nobody_can_tell(moved: Stage) -> None:
    def unreached(verb: str) -> None:
        if verb.startswith("free"):
            raise Unreached("no answer")

    moved["internal"].on_call = unreached
    assert deploy(moved.deploying()).machines[0].end is End.CONFIRMED


def test_is_not_looked_for_where_the_router_gives_addresses(stage: Stage) -> None:
    stage.packages.digests["internal"] = "other"
    deploy(stage.deploying())
    assert stage.calls("free") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are made by root")
def test_its_owner_answers_a_probe_on_the_cable_and_nobody_does_for_another() -> None:
    if run(["unshare", "--net", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"], check=False).status:
        pytest.skip("no namespaces with network cards here")
    asked = json.dumps(["192.0.2.7", "192.0.2.8", "192.0.2.1", "198.51.100.1"])
    done = run(
        ["unshare", "--net", "sh", "-c", NETWORK, sys.executable, asked], stdin=NEIGHBOUR.read_bytes(), timeout=60
    )
    answers = [tuple(each) for each in json.loads(done.stdout)]
    assert answers == [
        (False, OWNER),
        (True, "nobody has it"),
        (True, "it is this machine's, or of no network that it is in"),
        (True, "it is this machine's, or of no network that it is in"),
    ]
