# Where an instance listens: `smtp.ini`'s `listen`, as Haraka reads it ("host:port", comma separated; without a port
# the `port` key counts), as a list of { address, port }.
{ lib }:

instance:
let
  readyMade = toString instance.directory + "/config/smtp.ini";
  lines = lib.optionals (instance.directory != null && builtins.pathExists readyMade) (
    lib.splitString "\n" (builtins.readFile readyMade)
  );
  inFile =
    name: lib.findFirst (match: match != null) null (map (builtins.match "${name}=(.*)") lines);
  value =
    name: default:
    instance.settings."smtp.ini".globalSection.${name}
      or (if inFile name == null then default else lib.head (inFile name));

  port = lib.toInt (toString (value "port" 25));
  texts = lib.splitString "," (toString (value "listen" "[::0]:${toString port}"));

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
