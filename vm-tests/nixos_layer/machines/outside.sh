# outside.sh: a network namespace `outside`, behind a cable of its own: 198.51.100.2 there, 198.51.100.1 here.
set -eu
ip netns add outside
ip link add ve-outside type veth peer name ve-inside netns outside
ip address add 198.51.100.1/24 dev ve-outside
ip link set ve-outside up
ip -n outside address add 198.51.100.2/24 dev ve-inside
ip -n outside link set ve-inside up
ip -n outside link set lo up
ip -n outside route add default via 198.51.100.1
