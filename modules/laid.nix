# Units that lay secrets where no activation script does: sops-nix's and agenix's. Their targets do not wait for them, for
# they do without default dependencies; a service whose secrets they lay starts after them. Where they are not, it is no matter.
[
  "agenix-install-secrets.service"
  "sops-install-secrets.service"
]
