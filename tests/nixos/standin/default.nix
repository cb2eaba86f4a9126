# A stand-in for the module system, where no nixpkgs is at hand: calls the modules as NixOS would, and gives every option
# that they define and every one that they declare. Conditions are not asked: both what `mkIf` guards and what `mkDefault`
# offers is listed. Types are not checked here; who reads the list compares it with what NixOS knows.
# `nixos` is what a machine sets of NixOS's own options, as far as modules read it; `ask` names options of ours, each as a
# list of words, whose values are wanted too.
{
  modules,
  nixos ? { },
  ask ? [ ],
}:

let
  lib = import ./lib.nix;
  pkgs = import ./pkgs.nix { inherit lib; };
  utils.escapeSystemdExecArgs = lib.concatMapStringsSep " " (
    arg: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON arg)
  );
  inherit (builtins)
    attrNames
    concatMap
    filter
    isAttrs
    isFunction
    isList
    isPath
    map
    mapAttrs
    ;

  # What modules read of NixOS's own options, as a plain machine has it.
  plain = {
    image.baseName = "image";
    networking.hostName = "machine";
    boot.kernel.sysctl = { };
    fileSystems = { };
    containers = { };
    networking.firewall = {
      enable = false;
      allowedTCPPorts = [ ];
      allowedTCPPortRanges = [ ];
      allowedUDPPorts = [ ];
      allowedUDPPortRanges = [ ];
      checkReversePath = true;
      extraCommands = "";
      extraForwardRules = "";
      extraInputRules = "";
      extraStopCommands = "";
      interfaces = { };
      trustedInterfaces = [ "lo" ];
    };
    networking.nat.enable = false;
    networking.nftables.flushRuleset = false;
    networking.wg-quick.interfaces = { };
    networking.wireguard.interfaces = { };
    services.caddy = {
      enable = true;
      dataDir = "/var/lib/caddy";
      extraConfig = "";
      settings = { };
      virtualHosts = { };
    };
    services.openssh = {
      enable = false;
      openFirewall = true;
      ports = nixosOptions.services.openssh.ports.default;
    };
    services.unbound.enable = false;
    systemd.network.netdevs = { };
    systemd.network.networks = { };
    systemd.network.wait-online.enable = true;
    systemd.package = pkgs.systemd;
    systemd.services = { };
    time.timeZone = null;
    # As modules define them, so that one which asks for a certificate to know whether it has one never ends.
    security.acme.certs = lib.genAttrs (attrNames (named certificates)) (name: {
      directory = "/var/lib/acme/${name}";
    });
    users.users = { };
    virtualisation.libvirtd.enable = false;
    virtualisation.oci-containers.containers = { };
    virtualisation.diskSize = "auto";
    virtualisation.docker.package = pkgs.docker;
    virtualisation.docker.daemon.settings = { };
  };
  nixosOptions.services.openssh.ports.default = [ 22 ];
  nixosOptions.services.resolved.settings = { };
  nixosOptions.services.caddy.configFile.highestPrio = if nixos ? services.caddy.configFile then 100 else 1500;

  load =
    args: module:
    let
      imported = if isPath module || builtins.isString module then import module else module;
      called = if isFunction imported then imported args else imported;
      split =
        if called ? config || called ? options then
          called
        else
          { config = removeAttrs called [ "imports" ]; };
    in
    concatMap (load args) (called.imports or [ ])
    ++ [
      {
        options = split.options or { };
        config = split.config or { };
      }
    ];

  isOption = value: value._type or "" == "option";
  isPackage = value: value ? outPath;

  # Definitions of one attribute, with the conditions around them.
  within =
    name: definition:
    {
      "if" = map (lib.mkIf definition.condition) (within name definition.content);
      merge = concatMap (within name) definition.contents;
      override = map (lib.mkOverride definition.priority) (within name definition.content);
    }
    .${definition._type or ""} or (if definition ? ${name} then [ definition.${name} ] else [ ]);
  namesOf =
    definition:
    {
      "if" = namesOf definition.content;
      merge = concatMap namesOf definition.contents;
      override = namesOf definition.content;
    }
    .${definition._type or ""} or (attrNames definition);
  unique = names: attrNames (lib.genAttrs names (_: null));

  # Values that hold, each with its priority.
  discharge =
    priority: definition:
    {
      "if" = if definition.condition then discharge priority definition.content else [ ];
      merge = concatMap (discharge priority) definition.contents;
      override = discharge definition.priority definition.content;
    }
    .${definition._type or ""} or [
      {
        inherit priority;
        value = definition;
      }
    ];

  # The definitions of each attribute that has one which holds.
  held =
    definitions: lib.filterAttrs (_: inner: concatMap (discharge 100) inner != [ ]) (named definitions);
  named =
    definitions:
    lib.genAttrs (unique (concatMap namesOf definitions)) (name: concatMap (within name) definitions);

  free =
    definitions:
    let
      all = concatMap (discharge 100) definitions;
      best = builtins.foldl' (least: d: if d.priority < least then d.priority else least) 9999 all;
      values = map (d: d.value) (filter (d: d.priority == best) all);
      first = builtins.head values;
    in
    if isAttrs first && !isPackage first then
      mapAttrs (_: free) (held values)
    else if isList first then
      builtins.concatLists values
    else
      first;

  merge =
    path: type: definitions:
    if type ? module then
      (evaluate path [ type.module ] definitions).config
    else if type ? each then
      mapAttrs (name: merge (path ++ [ name ]) type.each) (
        (if type.lazy or false then named else held) definitions
      )
    else
      free definitions;

  # The values of a tree of declared options.
  fill =
    path: declared: definitions:
    mapAttrs (
      name: option:
      let
        here = concatMap (within name) definitions;
      in
      if !isOption option then
        fill (path ++ [ name ]) option here
      else if here == [ ] && !(option.type ? module) then
        option.default or (throw "${lib.concatStringsSep "." (path ++ [ name ])} is not set")
      else
        merge (path ++ [ name ]) option.type (
          lib.optional (option ? default) (lib.mkOverride 1500 option.default) ++ here
        )
    ) declared;

  evaluate =
    path: modules: definitions:
    let
      loaded = concatMap (load {
        inherit lib pkgs utils;
        config = lib.recursiveUpdate (lib.recursiveUpdate plain nixos) config;
        options = nixosOptions;
        name = lib.last ([ "" ] ++ path);
        modulesPath = "/modulesPath";
      }) modules;
      options = builtins.foldl' lib.recursiveUpdate { } (map (module: module.options) loaded);
      config = fill path options (map (module: module.config) loaded ++ definitions);
    in
    {
      inherit config options;
      definitions = map (module: module.config) loaded;
    };

  # Every leaf of a definition, whatever its conditions or with those that hold, as { path, value }.
  leaves =
    every: path: value:
    {
      "if" = if every || value.condition then leaves every path value.content else [ ];
      merge = concatMap (leaves every path) value.contents;
      override = leaves every path value.content;
    }
    .${value._type or ""} or (
      if isAttrs value && !isPackage value && value != { } then
        concatMap (name: leaves every (path ++ [ name ]) value.${name}) (attrNames value)
      else
        lib.optional (path != [ ]) (leaf path value)
    );
  leaf = path: value: {
    inherit path;
    value = if builtins.isFloat value || isFunction value then throw "unexpected value" else value;
  };

  # Every declared option, as { name, type }, named as in the manual.
  declarations =
    path: declared:
    concatMap (
      name:
      let
        here = path ++ [ name ];
        option = declared.${name};
      in
      if isOption option then
        [
          {
            name = lib.concatStringsSep "." here;
            type = option.type.description;
          }
        ]
        ++ inner here option.type
      else
        declarations here option
    ) (attrNames declared);
  inner =
    path: type:
    if type ? module then
      declarations path (evaluate path [ type.module ] [ ]).options
    else if type ? each then
      inner (path ++ [ "<name>" ]) type.each
    else
      [ ];

  machine = evaluate [ ] modules [ ];
  certificates =
    builtins.foldl' (definitions: name: concatMap (within name) definitions) machine.definitions
      [
        "security"
        "acme"
        "certs"
      ];
in
{
  defined = concatMap (leaves true [ ]) machine.definitions;
  # Those whose conditions hold.
  holding = concatMap (leaves false [ ]) machine.definitions;
  declared = declarations [ ] machine.options;
  # Messages of the assertions that do not hold.
  failed = map (a: a.message) (
    filter (a: !a.assertion) (
      concatMap (d: d.value) (
        concatMap (discharge 100) (concatMap (within "assertions") machine.definitions)
      )
    )
  );
  values = map (builtins.foldl' (set: name: set.${name}) machine.config) ask;
}
