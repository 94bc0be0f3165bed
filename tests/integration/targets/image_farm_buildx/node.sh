#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A node of the builder: an engine of the next release with a data root and a network of its own, whose BuildKit listens at
# tcp://10.98.0.1:123NUMBER. node.sh start|kill|stop NUMBER
set -eu
verb=$1 number=$2
here=$(cd "$(dirname "$0")" && pwd)
packages=/tmp/image_farm_buildx/packages
directory=/tmp/image_farm_buildx/$number
mkdir -p "$directory"
cd "$directory"

gone() { while [ -d "/proc/$1" ]; do sleep 0.1; done; }

case $verb in
start)
    rm -f pid engine namespace connected
    # With containerd's image store its BuildKit exports images as others do. Its only way out is to this host, where the registry is.
    echo '{"features": {"containerd-snapshotter": true}}' >daemon.json
    PATH=$packages/usr/sbin:$packages/usr/bin:$PATH nohup unshare --net \
        sh -c 'echo $$ >namespace; while [ ! -e connected ]; do sleep 0.1; done; exec "$@"' sh \
        dockerd --config-file daemon.json --host "unix://$PWD/engine" --data-root "$PWD/data" --exec-root "$PWD/exec" \
        --pidfile "$PWD/pid" --bridge none --iptables=false --insecure-registry 10.98.0.1:5000 >>log 2>&1 </dev/null &
    until [ -s namespace ]; do sleep 0.1; done
    namespace=$(cat namespace)
    # What a killed engine left running keeps its network.
    if [ -e "/sys/class/net/node$number" ]; then ip link del "node$number"; fi
    ip link add "node$number" type veth peer name eth0 netns "$namespace"
    ip address add "10.98.$number.1/24" dev "node$number"
    ip link set "node$number" up
    nsenter --net --target "$namespace" sh -ec "ip link set lo up; ip address add 10.98.$number.2/24 dev eth0
        ip link set eth0 up; ip route add default via 10.98.$number.1"
    touch connected
    for _ in $(seq 300); do
        if /usr/bin/docker --host "unix://$PWD/engine" version >answer 2>&1; then
            nohup python3 "$here/buildkit.py" engine 10.98.0.1 "123$number" >buildkit.log 2>&1 </dev/null &
            echo $! >buildkit.pid
            exit
        fi
        sleep 0.1
    done
    tail log >&2
    exit 1
    ;;
kill)
    engine=$(cat pid) builder=$(cat buildkit.pid)
    kill -KILL "$builder" "$engine"
    gone "$engine"
    rm buildkit.pid
    ;;
stop)
    if [ -e buildkit.pid ]; then kill "$(cat buildkit.pid)"; fi
    if [ -e pid ]; then
        engine=$(cat pid)
        if kill "$engine"; then gone "$engine"; fi # it may have been killed
    fi
    awk -v root="$PWD/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount
    ;;
esac
