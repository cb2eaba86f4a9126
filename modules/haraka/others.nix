# Folders that this machine has for others than `path`: homes, disks, and what systemd keeps for its services.
{ config, lib }:

path:
let
  inherit (lib)
    attrNames
    attrValues
    concatLists
    concatMap
    mapAttrsToList
    ;

  homes = map (user: user.home) (attrValues config.users.users);

  # A disk may be there for the queue alone.
  disks = lib.filter (folder: folder != path) (attrNames config.fileSystems);

  # systemd's forms: a list or words, each with or without a link to it.
  named =
    value: map (word: lib.head (lib.splitString ":" word)) (
      concatMap (lib.splitString " ") (lib.filter lib.isString (lib.toList value))
    );
  kept = concatMap (
    service:
    concatLists (
      mapAttrsToList (setting: top: map (folder: "${top}/${folder}") (named (service.serviceConfig.${setting} or [ ]))) {
        CacheDirectory = "/var/cache";
        LogsDirectory = "/var/log";
        StateDirectory = "/var/lib";
      }
    )
  ) (attrValues config.systemd.services);
in
homes ++ disks ++ kept
