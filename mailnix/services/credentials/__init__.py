"""Credentials on a machine: taken from a seed disk, received over SSH, waited for."""
