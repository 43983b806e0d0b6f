#!/usr/bin/env bash
# A client and a server without a tunnel between them: the same encryption, one WebSocket.
# Usage: examples/shell/direct.sh [folder with the programs]
set -euo pipefail
PATH=$(realpath "${1:-build/release/bin}"):$PATH
cd "$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$PWD"' EXIT

# 1. The connect info holds the address and the pre-shared key: both ends need it, nobody else may have it.
flowersec-directinit --ws-url ws://127.0.0.1:9000/ws --suite p256 --init-exp-seconds 300 --out info.json

# 2. The server. Port 0 lets the system choose; the line it prints has the real address.
mkfifo ready
flowersec-peer serve --direct 127.0.0.1:0 --info info.json --once >ready &
exec 3<ready
read -r line <&3
[[ $line =~ \"url\":\"([^\"]*)\" ]]

# 3. The client. --url replaces the address of the info, because the port was not known when it was made.
flowersec-peer client --info info.json --url "${BASH_REMATCH[1]}" --origin http://localhost --insecure-loopback \
  --mib 4 --quiet
cat <&3
