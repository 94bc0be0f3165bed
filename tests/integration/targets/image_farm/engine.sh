#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A Docker Engine of the farm, with a data root and a network of its own: engine.sh start|kill|stop NUMBER
set -eu
verb=$1 number=$2
directory=/tmp/image_farm/$number
mkdir -p "$directory"
cd "$directory"

gone() { while [ -d "/proc/$1" ]; do sleep 0.1; done; }

case $verb in
start)
    rm -f pid engine
    # Its only way out is to this host, where the registry is.
    nohup unshare --net sh -c 'echo $$ >namespace; while [ ! -e connected ]; do sleep 0.1; done; exec "$@"' sh \
        dockerd --host "unix://$PWD/engine" --data-root "$PWD/data" --exec-root "$PWD/exec" --pidfile "$PWD/pid" \
        --bridge none --iptables=false --insecure-registry 10.99.0.1:5000 --insecure-registry 10.99.0.1:5001 \
        >>log 2>&1 </dev/null &
    until [ -s namespace ]; do sleep 0.1; done
    namespace=$(cat namespace)
    # What a killed engine left running keeps its network.
    if [ -e "/sys/class/net/farm$number" ]; then ip link del "farm$number"; fi
    ip link add "farm$number" type veth peer name eth0 netns "$namespace"
    ip address add "10.99.$number.1/24" dev "farm$number"
    ip link set "farm$number" up
    nsenter --net --target "$namespace" sh -ec "ip link set lo up; ip address add 10.99.$number.2/24 dev eth0
        ip link set eth0 up; ip route add default via 10.99.$number.1"
    touch connected
    for _ in $(seq 300); do
        if /usr/bin/docker --host "unix://$PWD/engine" version >answer 2>&1; then exit; fi
        sleep 0.1
    done
    tail log >&2
    exit 1
    ;;
kill)
    engine=$(cat pid)
    kill -KILL "$engine"
    gone "$engine"
    rm namespace connected
    ;;
stop)
    if [ -e pid ]; then
        engine=$(cat pid)
        if kill "$engine"; then gone "$engine"; fi # it may have been killed
    fi
    awk -v root="$PWD/" 'index($2, root) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount
    ;;
esac
