# generations VERB …: what `mailnix deploy` calls on a machine of NixOS, in the words of Debian's program of that name.
# These files, one after the other, are the program; it is sent along with each call.
#
# nixos-rebuild brings a system, NixOS keeps it; this is the transaction around switch-to-configuration. All that waits
# is in /run, credentials too, and `test` makes no generation the default: after a power cut there is what was before.
# A timer looks every few seconds, and goes back where nobody has confirmed in time, or what installs has died.
#
# modules/ has this file and the next one run at boot, too.
set -eu
umask 077
root=${MAILNIX_ROOT-}

run=$root/run/mailnix-generations
kept=$root/var/lib/mailnix/generations
profile=$root/nix/var/nix/profiles/system
running=$root/run/current-system
gcroot=$root/nix/var/nix/gcroots/mailnix-generations
store=$root/etc/credstore
before=$kept/before # credentials as they were, while `finish` lays the new ones
accounts=$kept/accounts # /etc/passwd and its kin as they were, from the switch on
