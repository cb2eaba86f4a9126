# Where an instance listens: `smtp.ini`'s `listen`, as Haraka reads it ("host:port", comma separated; without a port
# the `port` key counts), as a list of { address, port }.
{ lib }:

instance:
let
  ini = instance.settings."smtp.ini".globalSection or { };
  port = lib.toInt (toString (ini.port or 25));
  texts = lib.splitString "," (toString (ini.listen or "[::0]:${toString port}"));

  parse =
    text:
    let
      parts = builtins.match "(.+):([0-9]+)" text;
    in
    if parts == null then
      {
        address = text;
        inherit port;
      }
    else
      {
        address = lib.head parts;
        port = lib.toInt (lib.elemAt parts 1);
      };
in
map parse (lib.filter (text: text != "") (map lib.trim texts))
