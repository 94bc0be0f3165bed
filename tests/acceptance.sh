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
for words in 'localhost  *linux/arm/v7  *emulated  *7\.' 'localhost  *linux/arm64  *emulated  *7\.'; do
    grep --quiet "$words" "$log/verify" || stop "verify has no row for $words"
done
# Two hosts that are this one, of which one is asked for a platform that it does not run, and one that is not there.
cat >"$log/farm.yml" <<'INVENTORY'
build_hosts:
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  hosts:
    good: {}
    lacking: {builder_platforms: [armhf, s390x]}
    away: {ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 1}
INVENTORY
if make --no-print-directory verify INVENTORY="$log/farm.yml" >"$log/verify-farm" 2>&1; then stop "verify passed a host that lacks a platform"; fi
for words in 'good  *linux/arm64  *emulated' 'lacking  *linux/arm/v7  *emulated' 'lacking  *linux/s390x  *not_registered' \
    'away  *-  *unreachable ' 'lacking: This host does not run linux/s390x' 'good .*failed=0' 'lacking .*failed=1'; do
    grep --quiet "$words" "$log/verify-farm" || stop "in verify's table of a farm there is no $words"
done

run teardown teardown
diff "$log/packages" <(packages) || stop "teardown left other packages than there were"
diff "$log/entries" <(entries) || stop "teardown left other entries than there were"
for file in /var/lib/trusted.crossbuild /var/cache/trusted.crossbuild /var/log/docker.log /etc/docker/key.json; do
    [ ! -e "$file" ] || stop "teardown left $file"
done
run again teardown
grep --quiet 'changed=0 ' "$log/again" || stop "the second teardown changed something"
