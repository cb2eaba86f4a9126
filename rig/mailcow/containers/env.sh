# shellcheck shell=bash disable=SC2034
# What docker-compose.yml gives to the containers: mailcow.conf, and the defaults that it has no line for.
set -a
# shellcheck source=/dev/null
. /var/lib/mailcow/mailcow.conf
MASTER=y DEV_MODE=n DEMO_MODE=n REDIS_SLAVEOF_IP='' API_KEY_READ_ONLY=invalid
set +a
DATA=/var/lib/mailcow/data
DOCKERFILES=$DATA/Dockerfiles
VOLUMES=/var/lib/docker/volumes/${COMPOSE_PROJECT_NAME}

# volume NAME: the folder of a volume, as Docker has it.
volume() {
    mkdir -p "${VOLUMES}_$1/_data"
    echo "${VOLUMES}_$1/_data"
}

# bind SOURCE PLACE: a mount of docker-compose.yml, in this container's mount namespace alone.
bind() {
    mkdir -p "$(dirname "$2")"
    if [ -d "$1" ]; then mkdir -p "$2"; else touch "$2"; fi
    mount --bind "$1" "$2"
}
