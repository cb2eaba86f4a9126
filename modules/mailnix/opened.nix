# Whether networking.firewall, whose values `nixos` are, lets anybody in at a TCP port: by its lists, or by a rule of nft that
# names the number and takes the packet. What a rule has in variables and named sets is not known.
{ lib }:

nixos:
let
  inherit (lib)
    any
    concatMap
    elem
    isString
    toInt
    ;
  inherit (builtins) filter match split;

  between =
    port: from: to:
    from <= port && port <= to;
  listed =
    port: open:
    elem port open.allowedTCPPorts
    || any (range: between port range.from range.to) open.allowedTCPPortRanges;

  # The text without what `pattern` matches.
  without = pattern: text: lib.concatStrings (filter isString (split pattern text));
  # Texts of rules first: a # in them begins no comment.
  rules = without "#[^\n]*" (without "\"[^\"\n]*\"" nixos.extraInputRules);

  # Numbers and ranges that rules accept, as nft has them.
  accepted = concatMap (
    found:
    let
      ports = lib.elemAt found 2;
      rest = lib.elemAt found 3;
    in
    if match ".*(accept|jump|goto).*" rest == null then
      [ ]
    else
      filter (word: isString word && word != "") (split "[[:space:],{}]+" ports)
  ) (filter lib.isList (split "(tcp|th)[[:space:]]+dport[[:space:]]+(==[[:space:]]+)?([{][^}]*[}]|[^[:space:]{]+)([^\n;]*)" rules));
  covers =
    port: word:
    let
      numbers = match "([0-9]+)(-([0-9]+))?" word;
      from = toInt (lib.head numbers);
      to = lib.elemAt numbers 2;
    in
    numbers != null && between port from (if to == null then from else toInt to);
in
port:
listed port nixos || any (listed port) (lib.attrValues nixos.interfaces) || any (covers port) accepted
