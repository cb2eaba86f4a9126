# services.mailcow alone, without its images, which a sandbox cannot pull: the pinned tree is laid with settings and
# secrets on top, an upgrade keeps what is not in the tree, and docker compose reads the result.
{
  name = "mailcow";

  nodes.machine =
    { config, lib, ... }:
    {
      virtualisation = {
        diskSize = 8192;
        memorySize = 2048;
      };

      environment.etc =
        lib.mapAttrs' (name: text: lib.nameValuePair "credstore/mailcow.${name}" { inherit text; })
          {
            dbpass = "databasepassword";
            dbroot = "rootpassword";
            redispass = "redispassword";
            sogo-key = "0123456789abcdef";
            api-key = "AAAAAA-BBBBBB";
          };

      services.mailcow = {
        enable = true;
        hostname = "mail.example.org";
        bindAddress = "127.0.0.1";
        configureDocker = true;
        settings.SKIP_CLAMD = true;
        postfix.extraConfig = "relayhost = [10.83.119.1]:2526";
        hooks.postfix."hello.sh" = "#!/bin/sh\necho hello\n";
      };

      # No registry: bringing the containers up is not part of this check.
      systemd.services.mailcow.serviceConfig.ExecStart =
        lib.mkForce "${lib.getExe config.virtualisation.docker.package} compose --project-directory /var/lib/mailcow config --quiet";
    };

  testScript = ''
    machine.wait_for_unit("mailcow.service")

    with subtest("the tree is the pinned one, with our settings on top"):
        machine.succeed("test -f /var/lib/mailcow/docker-compose.yml")
        machine.succeed("grep -qx 'relayhost = \\[10.83.119.1\\]:2526' /var/lib/mailcow/data/conf/postfix/extra.cf")
        machine.succeed("test -x /var/lib/mailcow/data/hooks/postfix/hello.sh")

    with subtest("secrets are on the machine and in no store path"):
        machine.succeed("grep -qx DBPASS=databasepassword /var/lib/mailcow/mailcow.conf")
        machine.succeed("test $(stat -c %a /var/lib/mailcow/mailcow.conf) = 600")
        machine.fail("grep -rq databasepassword $(systemctl show -P ExecStartPre mailcow | grep -o '/nix/store/[^ ;]*json')")

    with subtest("what is not in the tree stays over a restart"):
        machine.succeed("echo mine > /var/lib/mailcow/data/conf/nginx/mine.conf")
        machine.succeed("systemctl restart mailcow.service")
        machine.succeed("test $(cat /var/lib/mailcow/data/conf/nginx/mine.conf) = mine")
  '';
}
