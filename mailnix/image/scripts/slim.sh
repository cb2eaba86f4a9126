# Run by mmdebstrap when the first packages are unpacked and none is installed yet: $1 is the root.
# Manuals, translations and documents but licences stay out, also out of later upgrades. Told to mmdebstrap itself
# (--dpkgopt), the same sends each file of the first packages through a Perl filter: 8 seconds more.
set -eu
root=$1
mkdir -p "$root/etc/dpkg/dpkg.cfg.d"
cat > "$root/etc/dpkg/dpkg.cfg.d/mailnix" <<'END'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
path-include=/usr/share/doc/*/copyright
END
share=$root/usr/share
for folder in man info locale lintian; do rm -rf "$share/$folder"/*; done
find "$share/doc" -mindepth 2 ! -type d ! -name copyright -delete
# The root is thrown away if anything fails, so dpkg need not wait for the disk; a finished image does not keep this.
echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/mailnix-build"
