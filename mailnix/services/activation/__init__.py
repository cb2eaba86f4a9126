"""What a running Debian machine does when dpkg has laid another generation of it."""
