"""The pytest plugin: the lab as fixtures."""
