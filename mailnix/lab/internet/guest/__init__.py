"""Programs that run on the internet machine: the standard library only, and nothing of mailnix."""
