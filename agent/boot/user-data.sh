#!/bin/bash
# Arms the dead-man switch of this machine, then fetches and starts its agent.
set -u
R=${SPAWN_ROOT:-}
lib=$R/usr/local/lib/spawn units=$R/etc/systemd/system

# What cloud-init runs says what it says on the serial console.
say() { echo "spawn boot: $*" >&2; }
fail() { say "FAILED: $*"; exit 1; }

umask 022
mkdir -p "$lib" "$units" "$R/etc/spawn" || fail 'making folders'
cat >"$lib/deadman" <<'END_OF_DEADMAN'
#include deadman
END_OF_DEADMAN
chmod 755 "$lib/deadman"
"$lib/deadman" arm @LEASE@ @LEASE_ACTION@ @TTL_CAP@ >&2 || say 'FAILED: arming the dead-man switch'
"$lib/deadman" check
sleeping=$R/usr/lib/systemd/system-sleep
mkdir -p "$sleeping" && ln -sf "$lib/deadman" "$sleeping/spawn-deadman"

(umask 077 && printf '%s\n' >"$R/etc/spawn/agent.env" \
    "SPAWN_ROOT=$R" \
    SPAWN_DEPLOYMENT=@DEPLOYMENT@ \
    SPAWN_ARRAY_ID=@ARRAY_ID@ \
    SPAWN_RANKS=@RANKS@ \
    SPAWN_GENERATION=@GENERATION@ \
    SPAWN_LEASE=@LEASE@ \
    SPAWN_LEASE_ACTION=@LEASE_ACTION@ \
    SPAWN_TTL_CAP=@TTL_CAP@ \
    SPAWN_BUS_URL=@BUS_URL@ \
    SPAWN_BUS_FINGERPRINT=@BUS_FINGERPRINT@) || fail 'writing agent.env'

right() { echo @AGENT_SHA256@"  $lib/agent.new" | sha256sum --check --status -; }
for pause in 1 2 4 8 15 30 30 30 0; do
    if curl -fsS --connect-timeout 10 --max-time 120 -o "$lib/agent.new" @AGENT_URL@; then
        right && break
        say 'the agent fetched is not the one expected'
    fi
    sleep $pause
done
right || fail 'fetching the agent'
mv "$lib/agent.new" "$lib/agent.pyz"

cat >"$units/spawn-agent.service" <<END_OF_UNIT
#include spawn-agent.service
END_OF_UNIT
systemctl daemon-reload
systemctl enable spawn-agent.service
systemctl start spawn-agent.service || fail 'starting the agent'
say 'the agent is started'
