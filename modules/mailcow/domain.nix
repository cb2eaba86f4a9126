# One mail domain of services.mailcow.provision.
{ lib }:

let
  inherit (lib) mkOption types;
in
{
  options = {
    mailboxes = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            name = mkOption {
              type = types.str;
              default = "";
              description = ''
                The name that people see.
              '';
            };
            quota = mkOption {
              type = types.ints.unsigned;
              default = 3072;
              description = ''
                MiB; 0 is no limit.
              '';
            };
            sendsPerHour = mkOption {
              type = types.ints.unsigned;
              default = 300;
              description = ''
                Recipients that its owner may write to in an hour (a mail to five people counts five); 0 is no limit.
              '';
            };
          };
        }
      );
      default = { };
      description = ''
        Mailboxes by local part.
      '';
    };

    aliases = mkOption {
      type = types.attrsOf (types.nonEmptyListOf types.str);
      default = { };
      description = ''
        Aliases by local part: the whole addresses that each delivers to.
      '';
    };
  };
}
