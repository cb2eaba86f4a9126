from mailnix import Internal
from mailnix.plan import HostPlan, Plan, derive
from mailnix.services.ssh.nixos import nixos
from tests.descriptions import KEY
from tests.services.conftest import topology


def options(plan: Plan, host: HostPlan) -> dict[str, object]:
    return {".".join(entry.path): entry.value for entry in nixos(plan, host).options}


def test_keys_that_were_read_from_a_file_are_one_line_each() -> None:
    plan = derive(topology(admin_keys=[f"{KEY}\n"]))
    assert options(plan, plan.internal)["users.users.root.openssh.authorizedKeys.keys"] == [KEY]


def test_a_proxy_leads_to_the_machine_at_home_and_nowhere_else(plan: Plan) -> None:
    assert "PermitOpen" in str(options(plan, plan.proxies[0])["services.openssh"])
    assert "PermitOpen" not in str(options(plan, plan.internal)["services.openssh"])


def test_on_a_sealed_machine_no_sshd_runs_and_nobody_needs_a_password() -> None:
    plan = derive(topology(internal=Internal("internal", sealed=True), admin_keys=[KEY]))
    assert set(options(plan, plan.internal)) == {"users.allowNoPasswordLogin"}
