#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a person types, on a fresh copy of this machine: run it in the laboratory only.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp -d)
stop() { echo "acceptance: $1" >&2; exit 1; }
packages() { dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' | grep '^ii' || true; }
entries() { ls /proc/sys/fs/binfmt_misc; }
run() { # NAME ARGUMENTS of make
    echo "--- make ${*:2}"
    local start=$SECONDS
    make --no-print-directory "${@:2}" | tee "$log/$1"
    echo "--- $((SECONDS - start)) s"
}

grep --quiet 4294967295 /proc/self/uid_map && stop "this is the machine itself, and not the laboratory"
packages >"$log/packages" && entries >"$log/entries"
touch "$log/start"

run check site ARGS=--check
grep --quiet 'changed=[1-9]' "$log/check" || stop "in check mode, a fresh host has nothing to change"
for words in 'install docker.io' 'install the static QEMU' 'register qemu-arm once' 'unpack busybox-static' 'build armbuild/hello'; do
    grep --quiet "$words" "$log/check" || stop "in check mode it does not say that it would $words"
done
# What Ansible keeps for itself aside, and this checkout with its virtual environment.
find /run/lab/written -cnewer "$log/start" -not -type d -printf '/%P\n' |
    grep --invert-match --extended-regexp "^($PWD|$HOME/\.ansible)/" >"$log/written" || true
[ ! -s "$log/written" ] || stop "check mode wrote $(cat "$log/written")"

run first site
grep --quiet armv7l "$log/first" || stop "the first image did not print armv7l"
run second site
run check-again site ARGS=--check
grep --quiet 'Nothing: localhost is as it should be' "$log/check-again" || stop "in check mode there is something left to do"
grep --quiet 'changed=0 ' "$log/second" || stop "the second run changed something"
run verify verify

run teardown teardown
diff "$log/packages" <(packages) || stop "teardown left other packages than there were"
diff "$log/entries" <(entries) || stop "teardown left other entries than there were"
for file in /var/lib/trusted.crossbuild /var/cache/trusted.crossbuild /var/log/docker.log /etc/docker/key.json; do
    [ ! -e "$file" ] || stop "teardown left $file"
done
run again teardown
grep --quiet 'changed=0 ' "$log/again" || stop "the second teardown changed something"
