# Option types: how the NixOS manual calls them, and how definitions merge where it matters for what modules read.
let
  simple = description: { inherit description; };
  set = inner: {
    description = "attribute set of ${inner.description}";
    each = inner;
  };
in
{
  bool = simple "boolean";
  int = simple "signed integer";
  ints.unsigned = simple "unsigned integer, meaning >=0";
  ints.positive = simple "positive integer, meaning >0";
  port = simple "16 bit unsigned integer; between 0 and 65535 (both inclusive)";
  str = simple "string";
  lines = simple "strings concatenated with \"\\n\"";
  strMatching = pattern: simple "string matching the pattern ${pattern}";
  path = simple "absolute path";
  package = simple "package";
  listOf = inner: simple "list of ${inner.description}";
  nonEmptyListOf = inner: simple "non-empty (list of ${inner.description})";
  nullOr = inner: simple "null or ${inner.description}";
  oneOf = types: simple (builtins.concatStringsSep " or " (map (type: type.description) types));
  attrsOf = set;
  lazyAttrsOf = inner: set inner // { lazy = true; };
  submodule = module: {
    description = "submodule";
    inherit module;
  };
}
