"""Settings of the kernel, and of its modules those that networks need."""

from __future__ import annotations

import re
from typing import Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines

_OF_THIS_BOOT: Final = re.compile(
    r"kernel\.(random\..*|ns_last_pid|core_modes|hostname|domainname|usermodehelper.*|sched_.*)"
    r"|fs\.(dentry-state|file-nr|inode-nr|inode-state|quota\..*|binfmt_misc\..*|nfs.*)"
    r"|kernel\.pty\.nr|net\.ipv4\.tcp_fastopen_key|net\.netfilter\.nf_conntrack_count"
    r"|.*\.(veth\w+|br-[0-9a-f]{12})\..*"
    r"|fs\.(epoll\.max_user_watches|fanotify\.max_user_marks)|kernel\.threads-max|user\.max_.*"
    r"|net\.ipv4\.(inet_peer_threshold|tcp_mem|tcp_rmem|tcp_wmem|udp_mem)|vm\.(min_free|user_reserve)_kbytes"
    r"|.*stable_secret|net\.(ipv4|ipv6)\.route\.flush|vm\.stat_refresh|dev\.cdrom\.info"
)
"""What counts, differs with each boot or size of memory, or is of an interface that Docker named anew."""


def read(data: bytes) -> Values:
    """`sysctl -a`."""
    pairs = (line.partition("=") for line in lines(data) if "=" in line)
    return {key.strip(): " ".join(value.split()) for key, _, value in pairs if not _OF_THIS_BOOT.fullmatch(key.strip())}


QUESTION: Final = Question("sysctl", "sysctl -a 2>/dev/null", read)
