# Decides for every derivation of nixpkgs whether it is built or replaced by a stub of Debian's /usr.
#   attrs  what mkDerivation was called with;  arg  what `derivation` would get
#   unfetched  hashes of what would be fetched, and may be an empty folder; all else that is fetched cannot be had
{ lib, tree, unfetched ? [ ], extra ? [ ], real ? [ ] }:
let
  isDrv = v: builtins.isAttrs v && v.type or null == "derivation";
  # Programs whose source is in nixpkgs itself, but that need a compiler or another language's builder.
  programs = [
    "switch-to-configuration"
    "nixos-init"
    "nixos-rebuild-ng"
    "nixos-option"
    "make-binary-wrapper"
    "make-initrd-ng"
  ] ++ extra;
in
attrs: arg:
let
  name = attrs.pname or (attrs.name or "");
  isFetch = attrs.outputHash or null != null;
  # A lock file is fetched, too.
  fetched =
    attrs.cargoDeps or null != null || attrs.npmDeps or null != null || isFetch
    || isDrv (attrs.src or null)
    || attrs.srcs or null != null && lib.any isDrv (lib.toList attrs.srcs);
  stubbed =
    if lib.elem name real || attrs.stub or null == false then
      false
    else
      attrs.stub or false || lib.any (p: name == p || lib.hasPrefix p name) programs || fetched && !(attrs ? buildCommand);
  stub = derivation ({
    name = arg.name;
    outputs = arg.outputs or [ "out" ];
    system = arg.system;
    builder = "/bin/bash";
    args = [ ./stub.sh ];
    pname = name;
  }
  // lib.optionalAttrs isFetch { fetched = if lib.elem attrs.outputHash unfetched then "empty" else "refused"; }
  // lib.optionalAttrs (attrs ? meta.mainProgram) { main = attrs.meta.mainProgram; }
  // lib.optionalAttrs (lib.hasPrefix "systemd" name) { wanted = tree + "/wanted-units"; });
in

# Which attributes there are must not depend on the decision: packages read their own versions in `src`.
let
  built = derivation arg;
  chosen = if stubbed then stub else built;
  path = output: built.${output} // { inherit (chosen.${output}) drvPath outPath; };
in
built
// { inherit (chosen) drvPath outPath; isStub = stubbed; }
// lib.genAttrs (arg.outputs or [ "out" ]) path
