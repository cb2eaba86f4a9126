# Where an instance listens: `smtp.ini`'s `listen`, as Haraka reads it ("host:port", comma separated;
# "port" alone is the `port` key), as a list of { address, port }.
{ lib }:

instance:
let
  main = instance.settings."smtp.ini".globalSection or { };
  texts = lib.filter (text: text != "") (
    map lib.trim (lib.splitString "," (main.listen or "[::0]:${toString (main.port or 25)}"))
  );
  parse =
    text:
    let
      parts = builtins.match "(.+):([0-9]+)" text;
    in
    if parts == null then
      {
        address = text;
        port = lib.toInt (toString (main.port or 25));
      }
    else
      {
        address = lib.head parts;
        port = lib.toInt (lib.elemAt parts 1);
      };
in
map parse texts
