"""Which name a DHCP client before networkd went by, from the files that it keeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailnix.services.activation import names
from mailnix.services.activation.guest import lease
from mailnix.services.network.render import UPLINK_STEM

MAC = "52:54:00:12:34:56"
BY_DUID = "[DHCPv4]\nClientIdentifier=duid\nIAID=1193046\nDUIDType=link-layer-time\nDUIDRawData=00:01:2e:aa:bb:cc\n"


def lay(root: Path, files: dict[str, str]) -> None:
    """Files, each a second younger than the one before."""
    for age, (path, text) in enumerate(files.items()):
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        os.utime(place, (1000 + age, 1000 + age))


DHCPCD = {
    "sys/class/net/eth0/address": f"{MAC}\n",
    "etc/dhcpcd.conf": "#clientid\nduid\npersistent\n",
    "var/lib/dhcpcd/duid": "00:01:00:01:2e:aa:bb:cc\n",
    "var/lib/dhcpcd/eth0.lease": "lease",
}
BEFORE = {
    "nobody": ({}, ""),
    "networkd": ({"run/systemd/netif/leases/2": "ADDRESS=192.168.1.20"}, ""),
    "dhclient": ({"var/lib/dhcp/dhclient.eth0.leases": "lease {}"}, lease.BY_CARD),
    "dhclient, which never got one": ({"var/lib/dhcp/dhclient.eth0.leases": ""}, ""),
    "NetworkManager": ({"var/lib/NetworkManager/internal-1-eth0.lease": "x"}, lease.BY_CARD),
    "dhcpcd": (DHCPCD, BY_DUID),
    "dhcpcd by the card": (DHCPCD | {"etc/dhcpcd.conf": "clientid\n#duid\n"}, lease.BY_CARD),
    "dhcpcd without a DUID": ({path: DHCPCD[path] for path in DHCPCD if "duid" not in path}, lease.BY_CARD),
    "dhcpcd once, dhclient since": (DHCPCD | {"var/lib/dhcp/dhclient.eth0.leases": "lease {}"}, lease.BY_CARD),
    "dhclient once, networkd since": (
        {"var/lib/dhcp/dhclient.leases": "lease {}", "run/systemd/netif/leases/2": "x"},
        "",
    ),
}


@pytest.mark.parametrize(("files", "text"), BEFORE.values(), ids=BEFORE.keys())
def test_networkd_asks_as_whoever_asked_last(files: dict[str, str], text: str, tmp_path: Path) -> None:
    lay(tmp_path, files)
    assert lease.identity(tmp_path) == text


def test_it_is_written_where_networkd_reads_it_with_the_file_of_the_card(tmp_path: Path) -> None:
    lay(tmp_path, DHCPCD)
    assert lease.main(tmp_path) == 0
    assert (tmp_path / names.LEASE[1:]).read_text() == BY_DUID
    assert f"/{UPLINK_STEM}.network.d/" in names.LEASE
    assert lease.DROP_IN == names.LEASE
    for path in (tmp_path / "var/lib/dhcpcd").iterdir():
        path.unlink()
    lease.main(tmp_path)
    assert not (tmp_path / names.LEASE[1:]).exists()
