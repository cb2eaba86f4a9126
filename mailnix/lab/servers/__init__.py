"""Plain Debian 13 servers in the place of images: what `mailnix deploy` finds at a provider and at home."""
