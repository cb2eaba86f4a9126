# Where an instance keeps its queue: in its own state directory, which systemd makes, or elsewhere. There systemd-tmpfiles
# makes it, or, where it exists, gives it to the instance and closes it to everyone else.
{ lib }:

name: instance:
let
  inherit (lib)
    filter
    hasPrefix
    optional
    optionalAttrs
    ;

  path = instance.queueDirectory;
  within = folder: path == folder || hasPrefix "${folder}/" path;
  elsewhere = !within "/var/lib/haraka-${name}";
  # What ProtectHome= hides.
  inHome = lib.any within [
    "/home"
    "/root"
  ];
in
{
  inherit elsewhere within;

  # systemd and Haraka take it as it is written.
  plain =
    builtins.match "(/[A-Za-z0-9@_.,=+-]+)+" path != null
    && !lib.any (part: part == "." || part == "..") (lib.splitString "/" path);

  # Gone with a restart of the machine or, by PrivateTmp=, of the service; or never writable.
  fleeting = lib.any within [
    "/dev"
    builtins.storeDir
    "/proc"
    "/run"
    "/sys"
    "/tmp"
    "/var/run"
    "/var/tmp"
  ];

  # Changed by nobody but the system, or Docker.
  systems = lib.any within [
    "/bin"
    "/boot"
    "/etc"
    "/lib"
    "/lib64"
    "/nix"
    "/sbin"
    "/usr"
    "/var/empty"
    "/var/lib/containers"
    "/var/lib/docker"
    "/var/lib/machines"
    "/var/lib/nixos"
    "/var/lib/private"
    "/var/lib/systemd"
    "/var/log/journal"
  ];

  # Those of `folders`, and of the ones that every system has for many, that would be the instance's.
  seized =
    folders:
    filter (folder: elsewhere && (folder == path || hasPrefix "${path}/" folder)) (
      [
        "/home"
        "/media"
        "/mnt"
        "/opt"
        "/root"
        "/srv"
        "/var/cache"
        "/var/db"
        "/var/lib"
        "/var/local"
        "/var/log"
        "/var/mail"
        "/var/spool"
      ]
      ++ folders
    );

  # Settings of systemd.tmpfiles for it.
  folder = {
    ${path}.d = {
      user = "haraka-${name}";
      group = "haraka-${name}";
      mode = "0700";
    };
  };

  # Outside of the service's sandbox, before everything in it: a disk may have come since the machine booted.
  make =
    systemd:
    optional elsewhere "+${lib.getExe' systemd "systemd-tmpfiles"} --create haraka-${name}.conf";

  unitConfig = optionalAttrs elsewhere { RequiresMountsFor = path; };
  serviceConfig =
    if !elsewhere then
      { }
    else if inHome then
      {
        ProtectHome = "tmpfs";
        BindPaths = path;
      }
    else
      { ReadWritePaths = path; };
}
