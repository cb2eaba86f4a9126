"""What a Debian machine gets in order to take, receive and await its credentials."""

from __future__ import annotations

from mailnix.plan import Plan
from mailnix.services.credentials.debian import debian
from mailnix.services.credentials.render import LIST, units
from mailnix.tree import Tree


def test_the_list_names_exactly_what_the_host_needs(plan: Plan) -> None:
    for host in plan.hosts:
        listed = Tree.of(debian(plan, host).entries).file(LIST).data.decode().splitlines()
        assert listed == sorted(credential.name for credential in host.credentials)


def test_scripts_can_be_run_and_nothing_else_can(plan: Plan) -> None:
    for entry in Tree.of(debian(plan, plan.internal).entries):
        script = entry.path.startswith("/usr/lib/mailnix/") and entry.path != LIST
        assert getattr(entry, "mode", None) == (0o755 if script else 0o644), entry.path


def test_the_seed_is_taken_before_the_network_reads_its_keys() -> None:
    unit = dict(units()["mailnix-seed.service"])["Unit"]
    assert "systemd-networkd.service" in " ".join(unit["Before"])  # type: ignore[arg-type]


def test_waiting_never_ends_by_itself() -> None:
    assert dict(units()["mailnix-credentials.service"])["Service"]["TimeoutStartSec"] == "infinity"


def test_both_units_are_started_at_boot(plan: Plan) -> None:
    wanted = {(w.unit, w.by) for w in debian(plan, plan.internal).wanted}
    assert wanted == {("mailnix-seed.service", "sysinit.target"), ("mailnix-credentials.service", "multi-user.target")}
