"""What mailnix ships, run against Mailcow's own code: `make real MAILCOW_TREE=/path/to/mailcow-dockerized`."""
