"""Which Debian packages every machine has, before any service adds its own.

Recommended packages are never installed, so each name here is needed; where one
might ask why, the reason stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailnix.model.architecture import Architecture

KERNELS = {Architecture.AMD64: "linux-image-amd64", Architecture.ARM64: "linux-image-arm64"}
"""Debian's kernel with every driver, signed for Secure Boot: providers emulate real cards, too."""

KERNEL = KERNELS[Architecture.AMD64]

CLOUD_KERNEL = "linux-image-cloud-amd64"
"""What rented servers often run, and the lab's own machines: virtio, NVMe, Xen and Hyper-V, nobody's cards."""

BOOT = (
    "e2fsprogs",
    "initramfs-tools",
    "kmod",
    "mount",
    "systemd-repart",  # grows the root partition to its disk
    "systemd-sysv",
    "udev",
    "zstd",  # the initramfs is compressed with it
)

SYSTEM = (
    "ca-certificates",
    "dbus",  # systemctl, timedatectl and resolvectl talk over it
    "libnss-resolve",  # names through systemd-resolved, with its cache
    "libnss-systemd",  # DynamicUser names
    "libpam-systemd",  # ssh sessions end cleanly at shutdown
    "login",
    "netbase",
    "passwd",
    "procps",
    "qemu-guest-agent",  # starts only where the hypervisor offers its port
    "systemd-resolved",
    "systemd-timesyncd",
    "tzdata",
)

NETWORK = (
    "iproute2",
    "iputils-ping",
    "nftables",
    "openssh-server",
)

UPKEEP = (
    "less",
    "unattended-upgrades",
    "vim-tiny",  # an editor must be there on the day the network is not
)

COMMON = tuple(sorted({*BOOT, *SYSTEM, *NETWORK, *UPKEEP}))


def package_set(extra: Iterable[str] = ()) -> tuple[str, ...]:
    """The common packages and a machine's own, sorted, none twice: equal sets share one cached base."""
    return tuple(sorted({*COMMON, *extra}))
