"""Credentials come and go with the system that they were sent with."""

from __future__ import annotations

from mailnix.secrets import tar
from tests.deploy.nixos.machine import NixOS, installed, needs_setsid

pytestmark = needs_setsid


def test_credentials_go_with_the_system_and_come_back_with_the_former_one(machine: NixOS) -> None:
    store = machine.root / "etc/credstore"
    (store / "haraka.internalcmd").write_text("old")
    unit = machine.root / "etc/systemd/system/haraka-in.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nLoadCredential=haraka.internalcmd\n")
    installed(machine, haraka_internalcmd="new", network_wireguard_private_wg0="key")
    assert (store / "haraka.internalcmd").read_text() == "new"
    assert (store / "haraka.internalcmd").stat().st_mode & 0o777 == 0o600
    assert "ip link delete wg0" in machine.log
    assert "systemctl try-restart systemd-networkd.service" in machine.log
    assert "systemctl try-restart --no-block haraka-in.service" in machine.log
    machine.call("back")
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "old"}


def test_credentials_that_are_confirmed_stay(machine: NixOS) -> None:
    installed(machine, haraka_internalcmd="new")
    machine.call("confirm", "2", "--id", "a1")
    machine.power_cut()
    store = machine.root / "etc/credstore"
    assert {path.name: path.read_text() for path in store.iterdir()} == {"haraka.internalcmd": "new"}
    same, other = (tar({"credentials/haraka.internalcmd": data}) for data in (b"new", b"other"))
    assert machine.call("compare", stdin=same) == {"credentials": []}
    assert machine.call("compare", stdin=other) == {"credentials": ["haraka.internalcmd"]}


def test_credentials_alone_make_no_new_number(machine: NixOS) -> None:
    machine.receive(2, machine.system("first"), haraka_internalcmd="new")
    machine.switch(2)
    machine.call("confirm", "2", "--id", "a1")
    said = machine.call("status")
    assert (said["current"], [each["generation"] for each in said["generations"]]) == (1, [1])
    assert said["generations"][0]["by"] == "alice@laptop"
