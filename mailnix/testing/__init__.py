"""The testing kit: a pytest plugin and a pytest-testinfra backend for QEMU guests (public API)."""
