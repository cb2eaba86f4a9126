"""What systemd says of units becomes values that are equal where the units are; samples are real output, cut short."""

from __future__ import annotations

from tests.parity.facts import Values
from tests.parity.kinds import units

DEBIAN_UNIT = """\
Id=ssh.service
LoadState=loaded
ActiveState=active
MainPID=586
Restart=on-failure
After=sysinit.target network.target
ExecStart={ path=/usr/sbin/sshd ; argv[]=/usr/sbin/sshd -D ; ignore_errors=no ; start_time=[n/a] ; pid=586 }
"""
NIXOS_UNIT = """\
Id=sshd.service
LoadState=loaded
ActiveState=active
MainPID=1200
Restart=on-failure
After=network.target sysinit.target
ExecStart={ path=/nix/store/a2bhl74v5d0mlryz6i312wihc6b9zr2s-openssh-10.3p1/bin/sshd ; \
argv[]=/nix/store/a2bhl74v5d0mlryz6i312wihc6b9zr2s-openssh-10.3p1/bin/sshd -D ; ignore_errors=no ; pid=1200 }
"""


def shown(text: str) -> Values:
    """Units of which every property is told."""
    return units.read(f"\n\n{text}".encode())


def test_a_unit_is_the_same_under_both_names_and_wherever_its_program_is() -> None:
    debian, nixos = shown(DEBIAN_UNIT), shown(NIXOS_UNIT)
    assert debian == nixos
    assert debian["ssh.service ExecStart"] == "sshd -D"
    assert debian["ssh.service state"] == "active"
    assert not any("MainPID" in key for key in debian)


def test_a_changed_property_is_seen() -> None:
    assert shown(DEBIAN_UNIT) != shown(NIXOS_UNIT.replace("on-failure", "always"))


def test_debians_one_certificate_unit_is_compared_with_both_of_nixos() -> None:
    found = shown("Id=haraka-certificate.service\nLoadState=loaded\nActiveState=inactive\nUMask=0077\n")
    assert {key for key in found if key.endswith("UMask")} == {
        "haraka-in-tls.service UMask",
        "haraka-out-tls.service UMask",
    }


def test_what_is_about_an_instance_names_that_ones_certificate() -> None:
    debian = "Id=haraka-{}.service\nLoadState=loaded\nActiveState=active\nWants=haraka-certificate.service a.target\n"
    assert shown(debian.format("in"))["haraka-in.service Wants"] == "a.target haraka-in-tls.service"
    assert shown(debian.format("out"))["haraka-out.service Wants"] == "a.target haraka-out-tls.service"
    both = shown(debian.format("x").replace("haraka-x", "caddy"))
    assert both["caddy.service Wants"] == "a.target haraka-in-tls.service haraka-out-tls.service"
    path = shown(
        "Id=haraka-certificate.path\nLoadState=loaded\nActiveState=active\nTriggers=haraka-certificate.service\n"
    )
    assert path["haraka-in-tls.path Triggers"] == "haraka-in-tls.service"
    assert path["haraka-out-tls.path Triggers"] == "haraka-out-tls.service"


def test_an_ordering_that_is_lost_is_seen_beside_those_that_may_be_there_or_not() -> None:
    text = "Id=mailcow.service\nLoadState=loaded\nActiveState=active\nAfter={}\n"
    laid = "agenix-install-secrets.service sops-install-secrets.service nss-lookup.target"
    assert shown(text.format(f"docker.service {laid}")) == shown(text.format("docker.service"))
    assert shown(text.format(laid)) != shown(text.format("docker.service"))


def test_who_stops_with_a_unit_is_no_list_in_an_order() -> None:
    text = "Id=mailcow.service\nLoadState=loaded\nActiveState=active\nConsistsOf={}\n"
    assert shown(text.format("mailcow-provision.service mailcow-bans.service")) == shown(
        text.format("mailcow-bans.service mailcow-provision.service")
    )
    assert shown(text.format("mailcow-bans.service")) != shown(text.format("mailcow-provision.service"))


def test_what_comes_before_counts_but_for_units_of_others() -> None:
    text = "Id=mailnix-seed.service\nLoadState=loaded\nActiveState=active\nBefore={}\n"
    before = shown(text.format("network-pre.target systemd-networkd.service apt-daily.service"))
    assert before["mailnix-seed.service Before"] == "network-pre.target systemd-networkd.service"
    every = shown(text.replace("mailnix-seed.service", "systemd-journald.socket").format("mailcow.service"))
    assert "systemd-journald.socket Before" not in every


def test_what_a_timer_starts_may_be_at_its_work() -> None:
    text = "Id=mailnix-readmit.service\nLoadState=loaded\nActiveState={}\nType=oneshot\nRemainAfterExit=no\n"
    timed = f"{text}TriggeredBy=mailnix-readmit.timer\n"
    assert shown(timed.format("activating")) == shown(timed.format("inactive"))
    assert shown(timed.format("failed")) != shown(timed.format("inactive"))
    assert shown(text.format("activating")) != shown(text.format("inactive"))


def test_a_watchdog_that_is_none_is_the_same_of_a_unit_that_runs_and_one_that_does_not() -> None:
    assert shown(f"{DEBIAN_UNIT}WatchdogUSec=0\n") == shown(f"{DEBIAN_UNIT}WatchdogUSec=infinity\n")
    assert shown(f"{DEBIAN_UNIT}WatchdogUSec=1min\n") != shown(f"{DEBIAN_UNIT}WatchdogUSec=0\n")


def test_of_a_unit_of_others_only_counts_whether_it_runs() -> None:
    text = "cron.service loaded {} dead Regular work\nat.service not-found inactive dead at.service\n\n"
    assert units.read(text.format("active").encode()) == {"cron.service state": "active"}
    assert units.read(text.format("failed").encode()) == {"cron.service state": "failed"}
    assert not units.read(text.format("inactive").encode())


def test_what_is_not_set_is_no_property() -> None:
    more = "SystemCallLog=~\nSetCredential=[unprintable]\nFailureActionExitStatus=[not set]\nTTYReset=\n"
    assert shown(f"{DEBIAN_UNIT}{more}") == shown(DEBIAN_UNIT)


def test_a_unit_that_is_watched_is_not_told_of_twice() -> None:
    listed = "ssh.service loaded active running OpenBSD Secure Shell server\n"
    assert units.read(f"{listed}\n{DEBIAN_UNIT}".encode()) == shown(DEBIAN_UNIT)
