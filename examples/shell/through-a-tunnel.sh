#!/usr/bin/env bash
# Two programs meet through a tunnel, with nothing but the command line tools.
# Usage: examples/shell/through-a-tunnel.sh [folder with the programs]
set -euo pipefail
PATH=$(realpath "${1:-build/release/bin}"):$PATH
cd "$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$PWD"' EXIT

# 1. The issuer's keys: the private one stays with the issuer, the public one goes to the tunnel.
flowersec-issuer-keygen --out-dir . >/dev/null

# 2. A tunnel. Its first line of output says where it listens.
mkfifo ready
flowersec-tunnel --listen 127.0.0.1:0 --issuer-keys-file issuer_keys.json --aud my-tunnel >ready &
read -r line <ready
[[ $line =~ \"ws_url\":\"([^\"]*)\" ]]

# 3. A channel: one file with the grants of both ends. Whoever has a grant can be that end, once.
flowersec-channelinit --issuer-private-key-file issuer_key.json --tunnel-url "${BASH_REMATCH[1]}" \
  --aud my-tunnel --iss my-issuer --out channel.json

# 4. The two ends. Here both read the same file; in real life each gets its own grant.
flowersec-peer serve --grant channel.json --origin http://127.0.0.1 --insecure-loopback &
server=$!
flowersec-peer client --grant channel.json --origin http://127.0.0.1 --insecure-loopback --mib 4 --quiet
wait "$server"
