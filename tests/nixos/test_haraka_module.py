"""What services.haraka defines for an instance, by the stand-in: no nixpkgs is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.nixos.conftest import Nix
from tests.nixos.test_options import HERE, REPOSITORY, wrong

INSTANCE = """{{
  services.haraka.instances.relay = {{
    plugins = [ "tls" "relay" ];
    settings."smtp.ini".globalSection.listen = "{listen}";
    credentials."auth/internalcmd_key" = "/run/keys/a";
    credentials.internalcmd_key = "/run/keys/b";
    {more}
  }};
}}"""
LAID = ("agenix-install-secrets.service", "sops-install-secrets.service")

Defined: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture
def defined(nix: Nix) -> Defined:
    """Option path → value, of one instance with more said about it."""

    def found(more: str = "", listen: str = "0.0.0.0:25") -> dict[str, Any]:
        instance = INSTANCE.format(more=more, listen=listen)
        answer = nix.eval(f"import {HERE}/standin {{ modules = [ {REPOSITORY}/modules/haraka {instance} ]; }}")
        assert (answer["failed"], wrong(answer)) == ([], [])
        return {".".join(each["path"]): each["value"] for each in answer["defined"]}

    return found


@pytest.mark.parametrize(
    ("listen", "opened"),
    [
        ("0.0.0.0:25,127.0.0.1:2525", [25]),
        ("[::0]:587,[::1]:25", [587]),
        ("localhost:25", []),
        ("10.83.119.1:2526", [2526]),
    ],
)
def test_the_firewall_is_opened_for_what_is_not_loopback(defined: Defined, listen: str, opened: list[int]) -> None:
    assert defined("openFirewall = true;", listen)["networking.firewall.allowedTCPPorts"] == opened
    assert defined("", listen)["networking.firewall.allowedTCPPorts"] == []


def test_a_credential_has_the_name_of_its_attribute(defined: Defined) -> None:
    assert defined()["systemd.services.haraka-relay.serviceConfig.LoadCredential"] == [
        "auth.internalcmd_key:/run/keys/a",
        "internalcmd_key:/run/keys/b",
    ]


def test_a_service_starts_after_what_lays_its_secrets(defined: Defined) -> None:
    found = defined('tls = { certificate = "/run/secrets/a"; key = "/run/secrets/b"; };')
    for unit in ("haraka-relay", "haraka-relay-tls"):
        assert set(LAID) <= set(found[f"systemd.services.{unit}.after"])


SERVICE = "systemd.services.haraka-relay.serviceConfig"


@pytest.mark.parametrize("folder", ["/srv/queue", "/mnt/disk/mail/queue", "/var/lib/haraka-relay-too/queue", "/queue"])
def test_a_queue_that_is_elsewhere_is_made_for_its_user_once_its_disk_is_there(defined: Defined, folder: str) -> None:
    found = defined(f'queueDirectory = "{folder}";')
    made = f"systemd.tmpfiles.settings.haraka-relay.{folder}.d"
    assert (found[f"{made}.user"], found[f"{made}.mode"]) == ("haraka-relay", "0700")
    assert found["systemd.services.haraka-relay.unitConfig.RequiresMountsFor"] == folder
    assert found[f"{SERVICE}.ReadWritePaths"] == folder
    # As root, and first: the sandbox cannot be set up without the folder.
    first, second = found[f"{SERVICE}.ExecStartPre"]
    assert first.startswith("+")
    assert first.endswith("/bin/systemd-tmpfiles --create haraka-relay.conf")
    assert "assemble" in second


@pytest.mark.parametrize("folder", ["/home/queue", "/home/alice/mail/queue", "/root/queue"])
def test_a_queue_below_a_home_is_all_that_is_seen_of_homes(defined: Defined, folder: str) -> None:
    found = defined(f'queueDirectory = "{folder}";')
    assert (found[f"{SERVICE}.ProtectHome"], found[f"{SERVICE}.BindPaths"]) == ("tmpfs", folder)
    assert f"{SERVICE}.ReadWritePaths" not in found


@pytest.mark.parametrize(
    "folder", ["/var/lib/haraka-relay/queue", "/var/lib/haraka-relay/a/b", "/var/lib/haraka-relay"]
)
def test_a_queue_in_the_state_directory_needs_nothing_else(defined: Defined, folder: str) -> None:
    found = defined(f'queueDirectory = "{folder}";')
    assert not [path for path in found if path.startswith("systemd.tmpfiles.settings.haraka")]
    assert len(found[f"{SERVICE}.ExecStartPre"]) == 1
    assert found[f"{SERVICE}.ProtectHome"] is True


def test_a_disk_may_be_there_for_the_queue_alone(nix: Nix) -> None:
    instance = INSTANCE.format(more='queueDirectory = "/queue";', listen="0.0.0.0:25")
    machine = '{ fileSystems."/queue" = { }; fileSystems."/" = { }; users.users.root.home = "/root"; }'
    answer = nix.eval(
        f"import {HERE}/standin {{ modules = [ {REPOSITORY}/modules/haraka {instance} ]; nixos = {machine}; }}"
    )
    assert answer["failed"] == []


def test_a_certificate_of_security_acme_is_reloaded_by_it_and_by_nothing_else(defined: Defined) -> None:
    found = defined('tls.useACMEHost = "mx.example.org";')
    assert found["security.acme.certs.mx.example.org.reloadServices"] == ["haraka-relay-tls.service"]
    unit = "systemd.services.haraka-relay-tls"
    # What is not active would not be reloaded.
    assert found[f"{unit}.serviceConfig.RemainAfterExit"] is True
    assert found[f"{unit}.serviceConfig.ExecReload"] == found[f"{unit}.serviceConfig.ExecStart"]
    assert "/var/lib/acme/mx.example.org/fullchain.pem" in found[f"{unit}.serviceConfig.ExecStart"]
    assert found[f"{unit}.after"] == ["acme-mx.example.org.service", *LAID]
    assert "systemd.paths.haraka-relay-tls.pathConfig.PathChanged" not in found


def test_a_certificate_from_elsewhere_is_watched(defined: Defined) -> None:
    found = defined('tls = { certificate = "/srv/a.crt"; key = "/srv/a.key"; };')
    assert found["systemd.paths.haraka-relay-tls.pathConfig.PathChanged"] == ["/srv/a.crt", "/srv/a.key"]
    assert "systemd.timers.haraka-relay-tls.timerConfig.OnCalendar" in found
    assert "systemd.services.haraka-relay-tls.serviceConfig.RemainAfterExit" not in found
    assert found["systemd.services.haraka-relay-tls.serviceConfig.ProtectSystem"] == "strict"


def test_certificates_of_further_names_lie_beside_the_first_and_are_watched_too(defined: Defined) -> None:
    found = defined(
        'tls = { certificate = "/srv/a.crt"; key = "/srv/a.key"; '
        'others."old.example.org" = { certificate = "/srv/b.crt"; key = "/srv/b.key"; }; };'
    )
    unit = "systemd.services.haraka-relay-tls.serviceConfig"
    first, second = found[f"{unit}.ExecStart"]
    assert ' "/srv/a.crt" "/srv/a.key" "relay.invalid" "/run/haraka-relay-tls" "haraka-relay" ' in first
    names = '"old.example.org" "/run/haraka-relay-tls/old.example.org"'
    assert f' "/srv/b.crt" "/srv/b.key" {names} "haraka-relay" ' in second
    assert found[f"{unit}.RuntimeDirectory"] == ["haraka-relay-tls", "haraka-relay-tls/old.example.org"]
    watched = found["systemd.paths.haraka-relay-tls.pathConfig.PathChanged"]
    assert watched == ["/srv/a.crt", "/srv/a.key", "/srv/b.crt", "/srv/b.key"]


def test_systemd_takes_each_name_of_a_file_as_it_is_written(defined: Defined) -> None:
    found = defined('tls = { certificate = "/srv/our own/100%.crt"; key = "/srv/$key;x.key"; };')
    command = found["systemd.services.haraka-relay-tls.serviceConfig.ExecStart"]
    # systemd.service(5), "Command lines": quotes keep blanks, %% and $$ are one each.
    assert ' "/srv/our own/100%%.crt" "/srv/$$key;x.key" "relay.invalid" ' in command
    watched = found["systemd.paths.haraka-relay-tls.pathConfig.PathChanged"]
    assert watched == ["/srv/our own/100%%.crt", "/srv/$key;x.key"]


def test_a_service_that_never_starts_is_given_up(defined: Defined) -> None:
    found = defined()
    seconds = found["systemd.services.haraka-relay.startLimitIntervalSec"]
    assert found["systemd.services.haraka-relay.serviceConfig.Restart"] == "always"
    # The limit can be met: so many starts fit into the time.
    starts = found["systemd.services.haraka-relay.startLimitBurst"]
    assert starts * found["systemd.services.haraka-relay.serviceConfig.RestartSec"] < seconds


def test_an_instance_may_run_a_haraka_of_its_own(defined: Defined) -> None:
    path = "systemd.services.haraka-relay.serviceConfig.ExecStart"
    assert "-haraka/bin/" in defined()[path]
    assert defined('package = { outPath = "/nix/store/x-mine"; version = "3.4.0"; };')[path].startswith(
        "/nix/store/x-mine/bin/"
    )
