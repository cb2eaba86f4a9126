#!/bin/sh
# install.sh PYTHON VENV: what `make demo` and `make test` need, from Debian's packages and PyPI; says what it does.
set -eu
python=$1
venv=$2

packages=""
need() { # need PROGRAM PACKAGE: installs PACKAGE where PROGRAM is missing
  command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || packages="$packages $2"
}
need qemu-system-x86_64 qemu-system-x86
need qemu-img qemu-utils
need mmdebstrap mmdebstrap
need mkfs.ext4 e2fsprogs
need debugfs e2fsprogs
need sfdisk fdisk
need mformat mtools
need mkfs.vfat dosfstools
need xorrisofs xorriso
need nft nftables
need npm npm
need postfix postfix
need unbound unbound
need caddy caddy
need dehydrated dehydrated
need git git
need named-checkzone bind9-utils
need sshd openssh-server
need systemd-nspawn systemd-container
need apt-ftparchive apt-utils
need chromium chromium
need pdftotext poppler-utils
need zbarimg zbar-tools
[ -e /usr/share/OVMF/OVMF_CODE.fd ] || [ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || packages="$packages ovmf"
"$python" -c 'import ensurepip' 2>/dev/null || packages="$packages python3-venv"

if [ -n "$packages" ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "install.sh: missing packages; as root run: apt-get install$packages" >&2
    exit 1
  fi
  echo "Installing Debian packages:$packages" >&2
  # A service that a package brings must not start here: its ports may be taken, and nothing needs it running.
  policy=/usr/sbin/policy-rc.d
  made=""
  if [ ! -e "$policy" ]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || echo "install.sh: some package lists could not be updated; going on with what there is" >&2
  # shellcheck disable=SC2086 # a list of words
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
  [ -z "$made" ] || rm -f "$policy"
  # Nor at the next boot: tests start their own. What was here before is not in this list.
  for package in $packages; do
    units=$(dpkg -L "$package" 2>/dev/null | sed -n 's#.*/systemd/system/\([^/]*[.]\(service\|socket\|timer\)\)$#\1#p')
    # shellcheck disable=SC2086 # a list of words
    [ -z "$units" ] || ! command -v systemctl >/dev/null || systemctl --quiet disable $units 2>/dev/null || true
  done
fi

echo "Installing mailnix and its tools into $venv" >&2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
