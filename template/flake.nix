{
  description = "Private mail, by mailnix's modules";

  inputs = {
    # Where mailnix is: its repository, or a checkout.
    mailnix.url = "path:/where/mailnix/is";
    nixpkgs.follows = "mailnix/nixpkgs";
  };

  outputs =
    {
      mailnix,
      nixpkgs,
      ...
    }:
    {
      nixosConfigurations.mail = nixpkgs.lib.nixosSystem {
        modules = [
          mailnix.nixosModules.default
          ./configuration.nix
        ];
      };
    };
}
