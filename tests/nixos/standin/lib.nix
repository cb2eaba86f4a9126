# The part of nixpkgs' `lib` that modules/ and hosts/ call, for machines without a nixpkgs tree: the same names, simpler
# bodies. `nix eval` says which one is missing when a module begins to use another.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    genList
    hasAttr
    head
    isBool
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    removeAttrs
    replaceStrings
    split
    stringLength
    substring
    ;

  self = {
    inherit (builtins)
      all
      any
      attrNames
      attrValues
      concatLists
      concatMap
      concatStringsSep
      elem
      elemAt
      filter
      groupBy
      head
      isBool
      isList
      isString
      length
      mapAttrs
      replaceStrings
      splitVersion
      ;

    importTOML = path: builtins.fromTOML (builtins.readFile path);

    # Sets.
    nameValuePair = name: value: { inherit name value; };
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    concatMapAttrs =
      f: set: builtins.foldl' (a: b: a // b) { } (map (name: f name set.${name}) (attrNames set));
    genAttrs = names: f: listToAttrs (map (name: self.nameValuePair name (f name)) names);
    optionalAttrs = condition: set: if condition then set else { };
    recursiveUpdate =
      a: b:
      if builtins.isAttrs a && builtins.isAttrs b then
        a // mapAttrs (name: value: if a ? ${name} then self.recursiveUpdate a.${name} value else value) b
      else
        b;

    # Lists.
    optional = condition: item: self.optionals condition [ item ];
    optionals = condition: items: if condition then items else [ ];
    intersectLists = a: filter (item: builtins.elem item a);
    toList = value: if isList value then value else [ value ];
    last = items: elemAt items (length items - 1);
    findFirst =
      wanted: default: items:
      head (filter wanted items ++ [ default ]);

    # Texts.
    hasPrefix = prefix: text: substring 0 (stringLength prefix) (toString text) == prefix;
    hasSuffix =
      suffix: text:
      let
        start = stringLength text - stringLength suffix;
      in
      start >= 0 && substring start (-1) text == suffix;
    hasInfix = infix: text: replaceStrings [ infix ] [ "" ] text != text;
    splitString = separator: text: filter isString (split (self.escapeRegex separator) text);
    escapeRegex = text: replaceStrings [ "." "+" "*" ] [ "[.]" "[+]" "[*]" ] text;
    trim = text: head (match "[[:space:]]*(.*[^[:space:]]|)[[:space:]]*" text);
    optionalString = condition: text: if condition then text else "";
    concatStrings = concatStringsSep "";
    concatMapStrings = f: items: self.concatStrings (map f items);
    concatMapStringsSep =
      separator: f: items:
      concatStringsSep separator (map f items);
    escapeShellArg = text: "'${toString text}'";
    toInt = builtins.fromJSON;

    # Packages.
    getExe = package: "${package}/bin/main";
    getExe' = package: name: "${package}/bin/${name}";
    getVersion = package: package.version;
    versionAtLeast = a: b: builtins.compareVersions a b >= 0;
    makeBinPath = self.concatMapStringsSep ":" (package: "${package}/bin");

    # Definitions and declarations.
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkOverride = priority: content: {
      _type = "override";
      inherit priority content;
    };
    mkDefault = self.mkOverride 1000;
    mkOptionDefault = self.mkOverride 1500;
    mkAfter = content: content;
    toLower =
      builtins.replaceStrings
        [
          "C"
          "D"
          "P"
          "T"
          "U"
        ]
        [
          "c"
          "d"
          "p"
          "t"
          "u"
        ];
    mkForce = self.mkOverride 50;
    mkOption = declared: declared // { _type = "option"; };
    mkEnableOption =
      _:
      self.mkOption {
        type = self.types.bool;
        default = false;
      };
    mkPackageOption =
      packages: name: _:
      self.mkOption {
        type = self.types.package;
        default = packages.${name};
      };
    literalExpression = text: { inherit text; };
    types = import ./types.nix;
  };
in
self
