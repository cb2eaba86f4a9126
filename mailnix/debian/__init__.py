"""Debian 13: what each machine gets, from packages to units."""
