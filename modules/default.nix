# Names of the modules, one to one with the folders here.
{
  default = {
    imports = [
      ./haraka
      ./mailcow
      ./mailnix
    ];
  };
  haraka = ./haraka;
  mailcow = ./mailcow;
  mailnix = ./mailnix;
}
