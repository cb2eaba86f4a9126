# outside.sh: a network namespace `outside`, behind a cable of its own: 198.51.100.2 there, 198.51.100.1 here.
# Not called ve-*: networkd takes such a cable for a container's (80-container-ve.network), and sets addresses of its own.
set -eu
ip netns add outside
ip link add cable type veth peer name plug netns outside
ip address add 198.51.100.1/24 dev cable
ip link set cable up
ip -n outside address add 198.51.100.2/24 dev plug
ip -n outside link set plug up
ip -n outside link set lo up
ip -n outside route add default via 198.51.100.1
