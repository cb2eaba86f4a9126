from pathlib import Path

from mailnix import Internal
from mailnix.plan import HostPlan, Plan, derive
from mailnix.services.ssh.debian import debian
from mailnix.tree import Tree
from tests.services.conftest import topology


def test_passwords_are_refused(plan: Plan) -> None:
    text = Tree.of(debian(plan, plan.internal).entries).file("/etc/ssh/sshd_config.d/10-mailnix.conf").content
    assert "PasswordAuthentication no" in str(text)
    assert "PermitRootLogin prohibit-password" in str(text)


def test_the_admins_keys_are_roots() -> None:
    plan = derive(topology(admin_keys=["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]))
    keys = Tree.of(debian(plan, plan.internal).entries).file("/root/.ssh/authorized_keys")
    assert keys.content == "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n"
    assert keys.mode == 0o600


def test_nothing_but_that_file_says_who_is_let_in(plan: Plan) -> None:
    """A second file of keys, a program, or a certificate would: sshd_config(5)."""
    text = text_of(plan, plan.internal)
    for line in ("AuthorizedKeysFile .ssh/authorized_keys", "AuthorizedKeysCommand none", "TrustedUserCAKeys none"):
        assert f"{line}\n" in text


def test_without_keys_there_is_no_key_file(plan: Plan) -> None:
    assert all("authorized_keys" not in entry.path for entry in debian(plan, plan.internal).entries)


def test_a_proxy_leads_to_the_machine_at_home_and_nowhere_else(plan: Plan) -> None:
    home = plan.internal.ipv4
    assert f"PermitOpen {home}:22 {home}:8080\n" in text_of(plan, plan.proxies[0])
    assert "PermitOpen" not in text_of(plan, plan.internal)


def test_and_nobody_leaves_an_agent_there(plan: Plan) -> None:
    assert "AllowAgentForwarding no\n" in text_of(plan, plan.proxies[0])


def test_on_a_sealed_machine_no_sshd_runs() -> None:
    plan = derive(topology(internal=Internal("internal", sealed=True), admin_keys=["ssh-ed25519 AAAA one"]))
    part = debian(plan, plan.internal)
    assert part.entries == ()
    assert part.masked == ("ssh.service", "ssh.socket")


def test_keys_are_agreed_upon_and_texts_authenticated_as_on_nixos(plan: Plan) -> None:
    text = text_of(plan, plan.internal)
    for line in (Path(__file__).parents[2] / "nixos/golden/internal/etc/ssh/sshd_config").read_text().splitlines():
        key, _, value = line.partition(" ")
        if key.lower() in ("kexalgorithms", "macs", "hostkey"):
            assert f"{key} {value}\n".lower() in text.lower()
    assert text.count("Algorithms ") == text.count("HostKey ") == text.count("MACs ") == 1


def text_of(plan: Plan, host: HostPlan) -> str:
    return str(Tree.of(debian(plan, host).entries).file("/etc/ssh/sshd_config.d/10-mailnix.conf").content)
