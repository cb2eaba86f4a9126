"""unbound's drop-in on Debian, whose package lets it do all that root may."""

from __future__ import annotations

from mailnix.formats.text import data, ini
from mailnix.services.unbound.debian import UNIT


def test_unbound_is_shut_in() -> None:
    text = ini(UNIT)
    for key in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateDevices=yes", "MemoryDenyWriteExecute=yes"):
        assert f"{key}\n" in text
    kept = set(data("hardening.toml")["unbound"]["CapabilityBoundingSet"].split())
    assert kept == {
        f"CAP_{name}" for name in ("CHOWN", "DAC_OVERRIDE", "FOWNER", "NET_BIND_SERVICE", "SETGID", "SETUID")
    }
    assert "ReadWritePaths=/run /var/lib/unbound\n" in text
