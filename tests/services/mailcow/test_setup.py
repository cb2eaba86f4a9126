"""The setup program on a small tree in the shape of Mailcow's."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import databases, images, restoring
from mailnix.services.mailcow.guest.machine import SetupError, paths_of
from mailnix.services.mailcow.guest.restoring import Journal
from mailnix.services.mailcow.guest.tree import read_record
from tests.services.mailcow.machine import Machine, upstream, write


def content(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_tree_is_laid_with_settings_and_secrets(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    conf = machine.root / "mailcow.conf"
    assert conf.read_text().splitlines() == [
        "MAILCOW_HOSTNAME=mail.example.org",
        "",
        "DBPASS=dbpass1",
        "DBROOT=dbroot1",
        "API_KEY=api-key1",
    ]
    assert conf.stat().st_mode & 0o777 == 0o600
    assert machine.root.stat().st_mode & 0o777 == 0o700
    assert (machine.root / ".env").readlink() == Path("mailcow.conf")
    assert os.access(machine.root / "data/hooks/postfix/hook.sh", os.X_OK)
    assert os.access(machine.root / "update.sh", os.X_OK)
    assert '$MAILCOW_GIT_VERSION="one"' in (machine.root / "data/web/inc/app_info.inc.php").read_text()
    assert (machine.root / "data/conf/rspamd/override.d/worker-controller-password.inc").exists()


def test_the_worlds_sample_key_is_replaced_by_one_of_this_machine(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    for folder in ("ssl", "ssl-example"):
        assert (machine.root / f"data/assets/{folder}/key.pem").read_text() == "key of this machine\n"
    assert (machine.root / "data/assets/ssl/dhparams.pem").read_text() == "public sample dhparams\n"


def test_a_second_run_changes_nothing(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    before = content(machine.root)
    machine.docker()
    machine.set_up()
    assert content(machine.root) == before
    assert machine.docker() == []


def test_what_the_containers_rewrite_is_no_change(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    extra = machine.root / "data/conf/postfix/extra.cf"
    extra.write_text("myhostname = mail.example.org\n" + extra.read_text())
    machine.set_up()
    assert machine.docker() == []


def test_a_changed_setting_takes_the_containers_down_first(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    write(machine.paths.settings / "data/conf/postfix/extra.cf", "relayhost = [10.83.119.9]:2526\n")
    machine.set_up()
    assert machine.docker() == ["mailcow compose down"]
    assert "10.83.119.9" in (machine.root / "data/conf/postfix/extra.cf").read_text()


def rotate(machine: Machine, *names: str) -> None:
    for name in names:
        write(machine.paths.credentials / f"mailcow.{name}", "fresh-word")


def test_a_rotated_key_is_used_at_once(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    rotate(machine, "api-key")
    machine.set_up()
    assert "API_KEY=fresh-word\n" in (machine.root / "mailcow.conf").read_text()
    assert machine.docker() == ["mailcow compose down"]


def test_a_rotated_password_is_changed_in_the_database_first(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    rotate(machine, "dbpass", "dbroot")
    write(machine.folder / "services", "mysql-mailcow\n")
    machine.set_up()
    verbs = [line.split()[4 if "--project-directory" in line else 2] for line in machine.docker()]
    assert verbs == ["config", "up", "exec", "down"]
    conf = (machine.root / "mailcow.conf").read_text()
    assert "DBPASS=fresh-word\n" in conf
    assert "DBROOT=fresh-word\n" in conf
    assert "fresh-word" not in capsys.readouterr().out


def test_a_database_that_cannot_be_changed_keeps_its_password(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.ship("one")
    machine.set_up()
    rotate(machine, "dbpass")
    machine.set_up()
    assert "DBPASS=dbpass1\n" in (machine.root / "mailcow.conf").read_text()
    assert "the database did not take its new passwords" in capsys.readouterr().out


def test_passwords_that_came_with_a_restored_database_are_changed_to_this_machines(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    machine.docker()
    restoring.work_folder(machine.root).mkdir()
    restoring.write_journal(machine.root, Journal("backup", (), {"DBPASS": "theirs", "DBROOT": "theirs-too"}))
    write(machine.folder / "services", "mysql-mailcow\n")
    machine.set_up()
    verbs = [line.split()[4 if "--project-directory" in line else 2] for line in machine.docker()]
    assert verbs == ["down", "config", "up", "exec"]
    assert "DBPASS=dbpass1\nDBROOT=dbroot1\n" in (machine.root / "mailcow.conf").read_text()
    assert restoring.read_journal(machine.root) is None


def test_an_upgrade_keeps_what_is_ours_and_drops_what_was_theirs(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    write(machine.root / "data/assets/ssl/cert.pem", "from the authority\n")
    write(machine.root / "data/conf/dovecot/extra.conf", "by the admin\n", 0o640)
    machine.ship("two")
    machine.set_up()
    assert machine.docker() == ["mailcow compose down"]
    assert (machine.root / "docker-compose.yml").read_text() == "# two\n"
    assert (machine.root / "data/conf/postfix/main.cf").read_text().startswith("release = two")
    assert (machine.root / "data/assets/ssl/cert.pem").read_text() == "from the authority\n"
    assert (machine.root / "data/assets/ssl-example/key.pem").read_text() == "key of this machine\n"
    assert (machine.root / "data/conf/dovecot/extra.conf").stat().st_mode & 0o777 == 0o640
    assert (machine.root / "data/conf/only-in-two").exists()
    assert not (machine.root / "data/conf/only-in-one").exists()
    assert "DBPASS=dbpass1" in (machine.root / "mailcow.conf").read_text()
    assert '"two"' in (machine.root / "data/web/inc/app_info.inc.php").read_text()


class TestOtherImagesOfTheSameRevision:
    """MariaDB and Redis are images, and rewrite their files: so they take over, and are left, as a release is."""

    @pytest.fixture
    def runs(self, machine: Machine) -> Machine:
        """One with known images."""
        machine.ship("one")
        machine.config |= {"release": "rev-of-one+a", "changes": str(machine.folder / "state.json")}
        changing(machine)
        machine.set_up()
        return machine

    def test_take_over_with_a_copy_of_the_database(self, runs: Machine) -> None:
        runs.config["release"] = "rev-of-one+b"
        changing(runs, pending={"id": "x", "step": "installing"})
        runs.set_up()
        state = databases.read(runs.root)
        assert state is not None
        assert state.kept is not None
        assert (state.live, state.kept.rev, state.kept.change) == ("rev-of-one+b", "rev-of-one+a", "x")

    def test_are_left_with_it(self, runs: Machine) -> None:
        self.test_take_over_with_a_copy_of_the_database(runs)
        runs.config["release"] = "rev-of-one+a"
        changing(runs, last={"id": "x", "end": "back"})
        runs.set_up()
        state = databases.read(runs.root)
        assert state is not None
        assert state.live == "rev-of-one+a"

    def test_that_are_the_same_keep_nothing(self, runs: Machine) -> None:
        changing(runs, pending={"id": "x", "step": "installing"})
        runs.set_up()
        assert databases.read(runs.root) is None

    def test_are_known_by_the_tree(self, runs: Machine) -> None:
        record = read_record(runs.root)
        assert record is not None
        assert (record.rev, record.release) == ("rev-of-one", "rev-of-one+a")


def changing(machine: Machine, pending: object = None, last: object = None) -> None:
    """What the machine's generations say."""
    (machine.folder / "state.json").write_text(json.dumps({"pending": pending, "last": last}))


def test_going_back_needs_no_network(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    old = machine.config["source"]
    machine.ship("two")
    machine.set_up()
    write(machine.root / "data/assets/ssl/cert.pem", "renewed under two\n")
    subprocess.run(["rm", "-r", machine.paths.source], check=True)
    machine.config["source"] = old
    machine.set_up()
    assert (machine.root / "docker-compose.yml").read_text() == "# one\n"
    assert (machine.root / "data/assets/ssl/cert.pem").read_text() == "renewed under two\n"
    assert (machine.root / "data/conf/only-in-one").exists()
    assert not (machine.root / "data/conf/only-in-two").exists()


def test_power_loss_between_the_renames_is_repaired(machine: Machine) -> None:
    machine.ship("one")
    machine.set_up()
    machine.ship("two")
    machine.set_up()
    write(machine.root / "data/conf/dovecot/extra.conf", "by the admin\n")
    machine.root.rename(machine.paths.beside("new"))
    machine.set_up()
    assert (machine.root / "data/conf/dovecot/extra.conf").exists()
    assert (machine.root / "docker-compose.yml").read_text() == "# two\n"
    assert "DBPASS=dbpass1" in (machine.root / "mailcow.conf").read_text()


def test_a_half_laid_tree_is_laid_anew(machine: Machine) -> None:
    machine.ship("one")
    write(machine.paths.beside("new") / "docker-compose.yml", "half")
    machine.set_up()
    record = read_record(machine.root)
    assert record is not None
    assert record.rev == "rev-of-one"


def test_a_tree_with_another_hash_is_not_laid(machine: Machine) -> None:
    machine.ship("one")
    write(machine.paths.source / "docker-compose.yml", "# one, with a surprise\n")
    with pytest.raises(SetupError, match=r"git fetch|git -C"):
        machine.set_up()
    assert not machine.root.exists()


def git_repository(machine: Machine, release: str) -> None:
    work = upstream(machine.folder / "work", release=release)
    bare = machine.folder / "upstream.git"
    (work / "data/hooks/postfix/.gitkeep").touch()

    def git(*argv: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=master"]
        return subprocess.run(["git", *identity, *argv], cwd=work, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", release)
    git("clone", "-q", "--bare", ".", str(bare))
    rev = git("rev-parse", "HEAD").strip()
    subprocess.run(["rm", "-r", work / ".git"], check=True)
    machine.pin(work, release, rev)


def test_without_a_tree_in_the_image_it_is_fetched(machine: Machine) -> None:
    git_repository(machine, "one")
    machine.set_up()
    assert (machine.root / "docker-compose.yml").read_text() == "# one\n"
    assert not list(machine.root.parent.glob("mailcow.fetch.*"))


def test_where_the_image_has_another_one_than_is_wanted_by_now_it_is_fetched(machine: Machine) -> None:
    """mailnix build --mailcow-source, and then mailnix deploy."""
    machine.ship("two")
    git_repository(machine, "one")
    machine.set_up()
    assert (machine.root / "docker-compose.yml").read_text() == "# one\n"


def test_a_fetched_tree_with_another_hash_is_refused(machine: Machine) -> None:
    git_repository(machine, "one")
    machine.config["source"]["nar_hash"] = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    with pytest.raises(SetupError, match="is not Mailcow one"):
        machine.set_up()


def test_a_failed_fetch_names_what_failed(machine: Machine) -> None:
    git_repository(machine, "one")
    machine.config["source"]["url"] = f"file://{machine.folder}/nowhere.git"
    with pytest.raises(SetupError, match=r"git -C .*: status 128: "):
        machine.set_up()


@pytest.mark.parametrize("value", ["", "with space", "quote'", "dollar$"])
def test_a_secret_that_would_need_quoting_is_refused(machine: Machine, value: str) -> None:
    machine.ship("one")
    write(machine.paths.credentials / "mailcow.dbpass", value)
    with pytest.raises(SetupError, match=r"mailcow\.dbpass may have only letters") as caught:
        machine.set_up()
    assert not value or value not in str(caught.value)


def test_a_missing_credential_is_named(machine: Machine) -> None:
    machine.ship("one")
    (machine.paths.credentials / "mailcow.dbpass").unlink()
    with pytest.raises(SetupError, match=r"mailcow\.dbpass is missing"):
        machine.set_up()


def test_a_system_with_a_store_names_its_own_places() -> None:
    found = paths_of({"paths": {"settings": "/store/settings", "source": "/store/source"}})
    assert (found.settings, found.source) == (Path("/store/settings"), Path("/store/source"))
    assert found.root == paths_of({}).root == Path("/var/lib/mailcow")


LAYER = "sha256:1aye5"
RUNS = {"Cmd": ["/start"], "Env": ["PATH=/bin"], "Labels": None}


def archive(path: Path, tags: Sequence[str], config: str) -> None:
    members = {
        "manifest.json": [{"Config": config, "RepoTags": list(tags), "Layers": []}],
        config: {"config": RUNS, "rootfs": {"type": "layers", "diff_ids": [LAYER]}},
    }
    with tarfile.open(path, "w") as tar:
        for name, value in members.items():
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def inspected(layer: str = LAYER, **config: object) -> str:
    """What `docker image inspect` says: with defaults, and without what this Docker does not tell."""
    known = {"Cmd": RUNS["Cmd"], "Env": RUNS["Env"], "Labels": {}, "User": "", **config}
    return json.dumps([{"Id": "sha256:other", "RootFS": {"Type": "layers", "Layers": [layer]}, "Config": known}])


def fake_docker(
    present: str, log: list[Sequence[str]], content: str = inspected("sha256:another")
) -> Callable[[Sequence[str]], str]:
    def command(argv: Sequence[str]) -> str:
        log.append(argv)
        answers = {("image", "ls"): present, ("image", "inspect"): content}
        return answers.get((argv[1], argv[2]), "") if argv[0] == "docker" else ""

    return command


@pytest.mark.parametrize("config", ["abc.json", "blobs/sha256/abc"])
def test_images_that_docker_has_are_not_loaded_again(tmp_path: Path, config: str) -> None:
    archive(tmp_path / "a.tar", ["ghcr.io/mailcow/postfix:1"], config)
    log: list[Sequence[str]] = []
    images.load(tmp_path, fake_docker("sha256:abc\n", log), print)
    assert all("load" not in argv for argv in log)
    images.load(tmp_path, fake_docker("sha256:old\n", log), print)
    assert log[-1] == ["docker", "load", "--quiet", "--input", str(tmp_path / "a.tar")]


@pytest.mark.parametrize(
    ("content", "again"),
    [
        (inspected(), False),
        (inspected("sha256:newer"), True),
        (inspected(Cmd=["/other"]), True),
        (inspected(Env=None), True),
    ],
)
def test_an_image_with_another_id_is_known_by_its_content(tmp_path: Path, content: str, again: bool) -> None:
    """In containerd's image store, which Docker 29 has at first, ids are not those of an archive."""
    archive(tmp_path / "a.tar", ["ghcr.io/mailcow/postfix:1"], "blobs/sha256/abc")
    log: list[Sequence[str]] = []
    images.load(tmp_path, fake_docker("sha256:other\n", log, content), print)
    assert any("load" in argv for argv in log) == again


def test_without_a_disk_nothing_is_mounted(tmp_path: Path) -> None:
    log: list[Sequence[str]] = []
    images.load_from_disk(fake_docker("", log), print, tmp_path / "none", tmp_path / "mount")
    assert [argv[0] for argv in log] == ["udevadm"]


def test_the_disk_is_mounted_read_only_and_unmounted_also_after_an_error(tmp_path: Path) -> None:
    log: list[Sequence[str]] = []
    (tmp_path / "mount").mkdir()
    (tmp_path / "device").touch()
    with tarfile.open(tmp_path / "mount/odd.tar", "w"):
        pass
    with pytest.raises(ValueError, match=r"odd\.tar was not made by docker save"):
        images.load_from_disk(fake_docker("", log), print, tmp_path / "device", tmp_path / "mount")
    assert [argv[0] for argv in log] == ["udevadm", "mount", "umount"]
    assert log[1][1:3] == ["-o", "ro"]
