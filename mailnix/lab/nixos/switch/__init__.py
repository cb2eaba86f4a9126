"""NixOS's switch-to-configuration, built with what Debian has: `program.py`, and its parts in Rust."""
