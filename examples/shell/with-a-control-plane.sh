#!/usr/bin/env bash
# Two programs meet through a tunnel because a control plane brings them together: one stays registered there, the other
# asks for it.
# Usage: examples/shell/with-a-control-plane.sh [folder with the programs]
set -euo pipefail
PATH=$(realpath "${1:-build/release/bin}"):$PATH
cd "$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$PWD"' EXIT
mkfifo tunnel-ready plane-ready laptop-says

# 1. The state of the control plane: its keys, the public ones also as a file for the tunnel. And a key for those who ask.
flowersec-controlplane init --state plane.db >/dev/null
head -c 32 /dev/urandom | base64 -w 0 >bearer.key
chmod 600 bearer.key

# 2. The tunnel and the control plane. The first line of output of each says where it listens.
flowersec-tunnel --listen 127.0.0.1:0 --issuer-keys-file issuer_keys.json --aud my-tunnel --iss my-issuer >tunnel-ready &
read -r line <tunnel-ready
[[ $line =~ \"ws_url\":\"([^\"]*)\" ]]
flowersec-controlplane serve --state plane.db --bearer-key-file bearer.key --tunnel-url "${BASH_REMATCH[1]}" \
  --aud my-tunnel --iss my-issuer >plane-ready &
read -r line <plane-ready
[[ $line =~ \"http_url\":\"([^\"]*)\",\"control_url\":\"([^\"]*)\" ]]
http_url=${BASH_REMATCH[1]} control_url=${BASH_REMATCH[2]}

# 3. A server with a credential of its own. It dials out, stays registered, and comes back when the connection is lost.
flowersec-controlplane add-endpoint --state plane.db --endpoint-id laptop --control-url "$control_url" --out laptop.json
flowersec-peer serve --control laptop.json --endpoint-id laptop --origin http://127.0.0.1 --insecure-loopback >laptop-says &
exec 3<laptop-says
read -r line <&3
echo "$line"

# 4. A client: somebody who has the bearer key asks for an artifact, which is good for one connection.
curl -sf -H "Authorization: Bearer $(cat bearer.key)" -H 'Content-Type: application/json' -d '{"endpoint_id":"laptop"}' \
  "$http_url/v1/connect/artifact" |
  flowersec-peer client --grant - --origin http://127.0.0.1 --insecure-loopback --mib 4 --quiet
read -r line <&3
echo "$line"
