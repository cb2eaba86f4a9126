"""Files of built machines, without booting: what they say of order and modes is what it shall be (tests/nixos), and
programs read them: units, and what networkd, SSH, Caddy and nft get.

Debian 13's programs do, which the machines run; where MAILNIX_NEWER_ROOT names a root of newer ones, near nixpkgs' own
(python -m tests.versions.newer_root DIR), these do too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.lab.nixos.build import Layer, Wanted
from mailnix.nixos.carried import copied
from mailnix.nixos.flake import emit
from mailnix.plan import derive
from mailnix.write import write_tree
from tests.nixos import golden, orders, stated
from tests.versions.emitted import EXAMPLE, wide
from tests.versions.newer_root import VARIABLE, asked, without

EXAMPLES = (load(EXAMPLE), wide())
HOSTS = {host.name: host for topology in EXAMPLES for host in derive(topology).hosts}
NAMES = ("proxy", "internal", "edge", "edge2", "edge3", "home")

# Units of the systemd that is asked stand in the place of nixpkgs', so that their order is checked together with ours;
# what this systemd has not is left out.
VERIFY = """
ln -s "$(dirname {etc})" /run/current-system
cp -rP "$(readlink -f {etc}/systemd/system)/." /run/units
cd /run/units
find . -type l | while read -r link; do
  case $(readlink "$link") in
    *-systemd-[0-9]*/example/* | /usr/lib/debian/systemd/*)
      name=$(basename "$(readlink "$link")")
      for at in /usr/lib/debian/systemd/system /usr/lib/systemd/system; do [ ! -e $at/$name ] || break; done
      if [ -e $at/$name ]; then ln -sfn $at/$name "$link"; else rm "$link"; fi ;;
  esac
done
export SYSTEMD_UNIT_PATH=/run/units
systemd-analyze verify --man=no -- $(ls | grep -E '[.](service|socket|timer|path|target|mount|slice)$')
"""
# Templates are verified as instances, of which systemd's own want more than a name.
# Of a closure of stubs, of systemd's units under two names, of services that were left out above; none is ours.
NOT_OURS = (
    "same bus name",
    "bus name to hashmap",
    "failed to load properly",
    "lastlog2-import",
    "is masked",
    "socket cannot be started",
    "dbus",
    "systemd-growfs@test_instance.service",
    "systemd-journald@.service",
)
NOT_INSTALLED = (
    "No such file or directory"  # in a root of newer programs, which has a few; Debian 13's has what machines run
)
NETWORKD = """
rm -rf /etc/systemd
mkdir -p /etc/systemd /run/systemd/netif/links /run/systemd/netif/leases
cp -rL {etc}/systemd/network {etc}/systemd/networkd.conf /etc/systemd/
systemd-sysusers 2>/dev/null
chown -R systemd-network:systemd-network /run/systemd/netif
SYSTEMD_LOG_TARGET=console timeout 5 /usr/lib/systemd/systemd-networkd
"""
NO_KEYS_NO_BUS = ("credential", "wireguard", "No private key", "varlink socket", "cgroup", "bus")
SSHD = "mkdir -p /run/sshd; ssh-keygen -A >/dev/null; grep -v ^HostKey {etc}/ssh/sshd_config >/run/c; sshd -t -f /run/c"
CADDY = "caddy validate --adapter caddyfile --config {etc}/caddy/caddy_config 2>&1 | tail -n 1"
NFT = """
mkdir -p /var/lib/nftables
touch /var/lib/nftables/deletions.nft
for rules in $(grep -rhoE '/nix/store/[^ "]*nftables-rules' {etc}/systemd/system/nftables.service | sort -u); do
  nft --check --file "$rules" && echo fits
done
"""


@pytest.fixture(scope="module")
def toplevels(layer: Layer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The example's machines and those of a description with all that one can say, by name."""
    built: dict[str, str] = {}
    for number, topology in enumerate(EXAMPLES):
        flake = tmp_path_factory.mktemp(f"flake{number}") / "flake"
        write_tree(emit(derive(topology), copied()), flake)
        built.update(layer.build(Wanted(flake, unfetched=golden.UNFETCHED)))
    assert set(built) == set(NAMES)
    return built


@pytest.fixture(params=["Debian 13", "newer"])
def programs(request: pytest.FixtureRequest, layer: Layer) -> Path:
    """A root with the programs to ask."""
    if request.param == "Debian 13":
        return layer.root.system
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no Debian root with newer programs")
    return Path(os.environ[VARIABLE])


class Question:
    """Asks programs about one machine's /etc."""

    def __init__(self, programs: Path, store: Path, toplevel: str, work: Path) -> None:
        self._programs, self._store, self._etc, self._work = programs, store, f"{toplevel}/etc", work

    def __call__(self, script: str) -> list[str]:
        files = self._work / "files"
        files.mkdir()
        said = asked(self._programs, files, script.replace("{etc}", self._etc), self._work, self._store)
        return said.splitlines()

    def units(self, script: str) -> list[str]:
        """What is said of units of ours."""
        newer = str(self._programs) == os.environ.get(VARIABLE)
        return without(self(script), (*NOT_OURS, NOT_INSTALLED) if newer else NOT_OURS)


@pytest.fixture
def ask(programs: Path, layer: Layer, toplevels: Mapping[str, str], machine: str, tmp_path: Path) -> Question:
    return Question(programs, layer.root.system / "nix", toplevels[machine], tmp_path)


@pytest.fixture
def texts(layer: Layer, toplevels: Mapping[str, str], machine: str) -> Mapping[str, str]:
    """Units and rules of tmpfiles, systemd's and everybody's among them."""
    return golden.units(layer, toplevels[machine])


@pytest.mark.parametrize("machine", NAMES)
def test_no_unit_of_ours_names_one_that_is_nowhere(texts: Mapping[str, str]) -> None:
    assert {unit for unit in stated.OF_SYSTEMD if f"{stated.UNITS}{unit}" not in texts} == set()
    assert stated.units_nowhere(texts) == []


@pytest.mark.parametrize("machine", NAMES)
def test_units_are_in_the_order_that_is_needed(texts: Mapping[str, str], machine: str) -> None:
    assert orders.faults(texts, *orders.sections(HOSTS[machine], "nixos")) == []


@pytest.mark.parametrize("machine", NAMES)
def test_no_service_needs_a_folder_that_nothing_makes(texts: Mapping[str, str]) -> None:
    assert stated.paths_nowhere(texts) == []


@pytest.mark.parametrize("machine", ["proxy", "internal"])
def test_state_and_credentials_have_their_modes_and_owners(texts: Mapping[str, str], machine: str) -> None:
    shall = {place: mode for place, mode in stated.expected()[machine].items() if ": " not in place}  # no script's
    found = stated.modes(texts)
    assert {place: found.get(place) for place in shall} == shall


@pytest.mark.parametrize("machine", ["home"])
@pytest.mark.parametrize(
    ("unit", "old", "new", "said"),
    [
        ("mailcow-backup", "Requires=mailcow", "Requires=mailcow-dockerized", "Requires=mailcow.service is missing"),
        ("mailcow", "docker.service", "", "After=docker.service is missing"),
        ("mailnix-seed", "systemd-networkd.service", "", "Before=systemd-networkd.service is missing"),
    ],
)
def test_a_wrong_dependency_is_found(texts: Mapping[str, str], unit: str, old: str, new: str, said: str) -> None:
    path = f"{stated.UNITS}{unit}.service"
    assert old in texts[path]
    found = orders.faults({**texts, path: texts[path].replace(old, new)}, *orders.sections(HOSTS["home"], "nixos"))
    assert f"{unit}.service: {said}" in found


@pytest.mark.parametrize("machine", NAMES)
def test_every_unit_is_understood_and_nothing_waits_for_itself(ask: Question) -> None:
    assert ask.units(VERIFY) == []


@pytest.mark.parametrize("machine", NAMES)
def test_networkd_knows_every_key(ask: Question) -> None:
    assert without(ask(NETWORKD), NO_KEYS_NO_BUS) == []


@pytest.mark.parametrize("machine", ["proxy", "internal", "edge", "edge2", "home"])  # nobody logs in to edge3
def test_the_ssh_server_takes_its_settings(ask: Question) -> None:
    assert ask(SSHD) == []


@pytest.mark.parametrize("machine", ["proxy", "edge", "edge2", "edge3"])
def test_caddy_takes_the_sites(ask: Question) -> None:
    assert ask(CADDY) == ["Valid configuration"]


@pytest.mark.parametrize("machine", NAMES)
def test_nft_takes_the_ruleset(ask: Question) -> None:
    assert ask(NFT) == ["fits"]


@pytest.mark.parametrize("machine", ["proxy"])
@pytest.mark.parametrize(
    ("unit", "text", "said"),
    [
        ("wrong", "[Service]\nExecStart=/bin/true\nPrivatTmp=yes\n", "PrivatTmp"),
        ("wrong@", "[Service]\nExecStart=/bin/true\nPrivatTmp=yes\n", "wrong@.service:3: Unknown key 'PrivatTmp'"),
        ("wrong", "[Service]\nExecStart=/nix/store/gone/bin/gone\n", "gone is not executable"),
        ("wrong", "[Unit]\nRequires=nowhere.service\n[Service]\nExecStart=/bin/true\n", "nowhere.service"),
        (
            "wrong",
            "[Unit]\nDefaultDependencies=no\nBefore=sysinit.target\nAfter=haraka-in.service\nWants=haraka-in.service\n"
            "[Service]\nExecStart=/bin/true\n",
            "ordering cycle",
        ),
    ],
)
def test_a_fault_in_a_unit_is_found(ask: Question, programs: Path, unit: str, text: str, said: str) -> None:
    if "gone" in said and str(programs) == os.environ.get(VARIABLE):
        pytest.skip("a root of newer programs lacks some that machines run")
    put = VERIFY.replace(
        "cd /run/units\n", f"cd /run/units\nprintf '{text}' >{unit}.service\n".replace("\\", "\\\\"), 1
    )
    lines = ask.units(put)
    assert any(said in line for line in lines), lines
