#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A Docker Engine of the test's own, in a directory: engine.sh start DIRECTORY [OPTIONS...] | kill DIRECTORY | stop DIRECTORY
set -eu
verb=$1
cd "$2"
shift 2

gone() { while [ -d "/proc/$1" ]; do sleep 0.1; done; }

case $verb in
start)
    rm -f pid engine # of one that was killed
    # In a network namespace of its own: it would take the other engine's bridge away.
    nohup unshare --net dockerd --host "unix://$PWD/engine" --data-root "$PWD/data" --exec-root "$PWD/exec" \
        --pidfile "$PWD/pid" --bridge none --iptables=false "$@" >>log 2>&1 </dev/null &
    for _ in $(seq 300); do
        if /usr/bin/docker --host "unix://$PWD/engine" version >answer 2>&1; then
            chmod 666 engine # for an ordinary user
            exit
        fi
        sleep 0.1
    done
    tail log >&2
    exit 1
    ;;
kill)
    engine=$(cat pid)
    kill -KILL "$engine"
    gone "$engine"
    ;;
stop)
    if [ -e pid ]; then # which the engine removes
        engine=$(cat pid)
        if kill "$engine"; then gone "$engine"; fi # it may have been killed
    fi
    awk -v root="$PWD/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount
    ;;
esac
