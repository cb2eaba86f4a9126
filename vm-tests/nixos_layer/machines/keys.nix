# Throw-away keys of a test: an authority of one's own, and certificates by it.
{ pkgs }:
names:
pkgs.runCommand "keys" { nativeBuildInputs = [ pkgs.openssl ]; } ''
  mkdir "$out"
  cd "$out"
  new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
  $new -x509 -days 3650 -subj "/CN=An authority" -keyout ca.key -out ca.crt
  for name in ${toString names}; do
    $new -subj "/CN=$name" -addext "subjectAltName=DNS:$name" -keyout "$name.key" -out request
    openssl x509 -req -in request -CA ca.crt -CAkey ca.key -days 365 -copy_extensions copy -out "$name.crt"
  done
''
