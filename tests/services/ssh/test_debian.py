from mailnix.plan import Plan, derive
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


def test_without_keys_there_is_no_key_file(plan: Plan) -> None:
    assert all("authorized_keys" not in entry.path for entry in debian(plan, plan.internal).entries)
