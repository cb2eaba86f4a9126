"""The lab: every machine and the world outside, booted in QEMU, exchanging mail."""
