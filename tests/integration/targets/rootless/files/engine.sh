#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A rootless Docker Engine of the user who runs this: engine.sh start|stop
set -eu
cd "$HOME"

case $1 in
start)
    # Without a network of its own and FUSE: the laboratory lends no user the devices for them.
    export DOCKERD_ROOTLESS_ROOTLESSKIT_NET=host DOCKERD_ROOTLESS_ROOTLESSKIT_MTU=1500 DOCKERD_ROOTLESS_ROOTLESSKIT_PORT_DRIVER=none
    nohup /usr/share/docker.io/contrib/dockerd-rootless.sh --iptables=false --ip-forward=false --bridge=none \
        --storage-driver=vfs >log 2>&1 </dev/null &
    echo $! >pid
    for _ in $(seq 150); do
        if docker --host "unix://$XDG_RUNTIME_DIR/docker.sock" version >answer 2>&1; then exit; fi
        sleep 0.2
    done
    tail log >&2
    exit 1
    ;;
stop)
    engine=$(cat pid)
    kill "$engine"
    while [ -d "/proc/$engine" ]; do sleep 0.1; done
    ;;
esac
