# services.haraka alone: two instances; one takes mail for its domain and hands it to the other.
{
  name = "haraka";

  nodes.machine =
    { pkgs, ... }:
    {
      # Stands for the secret that a user has in place; a test's machine has nothing to hide.
      environment.etc."credstore/haraka".text = "0123456789";

      services.haraka.instances = {
        front = {
          plugins = [
            "rcpt_to.in_host_list"
            "queue/smtp_forward"
          ];
          settings = {
            "smtp.ini".globalSection.listen = "127.0.0.1:25";
            "smtp_forward.ini".globalSection = {
              host = "127.0.0.1";
              port = 2525;
            };
          };
          files = {
            me = "mx.example.org";
            host_list = [ "example.org" ];
          };
          credentials.internalcmd_key = "haraka";
        };
        back = {
          plugins = [
            "rcpt_to.in_host_list"
            "say_taken"
          ];
          settings."smtp.ini".globalSection.listen = "127.0.0.1:2525";
          files = {
            me = "mail.example.org";
            host_list = [ "example.org" ];
          };
          localPlugins.say_taken = pkgs.writeText "say_taken.js" ''
            exports.hook_queue = function (next, connection) {
              this.lognotice('taken: ' + connection.transaction.rcpt_to[0].address())
              next(OK)
            }
          '';
          credentials.internalcmd_key = "haraka";
        };
      };

      environment.systemPackages = [ pkgs.swaks ];
    };

  testScript = ''
    machine.wait_for_unit("haraka-front.service")
    machine.wait_for_unit("haraka-back.service")
    machine.wait_for_open_port(25)
    machine.wait_for_open_port(2525)

    with subtest("mail for its own domain is handed on"):
        machine.succeed("swaks --server 127.0.0.1 --from a@elsewhere.test --to alice@example.org")
        machine.wait_until_succeeds("journalctl -u haraka-back | grep 'taken: .*alice@example.org'")

    with subtest("other domains are refused"):
        machine.fail("swaks --server 127.0.0.1 --from a@elsewhere.test --to alice@elsewhere.test")

    with subtest("the key of queue commands is nobody else's"):
        machine.succeed("test $(stat -c %U:%a /run/haraka-front/config/internalcmd_key) = haraka-front:400")

    with subtest("the unit is hardened"):
        machine.succeed("systemd-analyze security --threshold=40 haraka-front.service")
  '';
}
