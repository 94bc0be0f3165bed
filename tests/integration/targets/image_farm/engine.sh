#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# An engine of the farm, whose only way out is to this host, where the registry is: engine.sh start|kill|stop NUMBER [OPTIONS...]
set -eu
verb=$1 number=$2 directory=/tmp/image_farm/$2
shift 2
engine=$(dirname "$0")/../setup_engine/files/engine.sh
if [ "$verb" != start ]; then exec "$engine" "$verb" "$directory"; fi

mkdir -p "$directory"
"$engine" start "$directory" --insecure-registry 10.99.0.0/24 "$@"
namespace=$(cat "$directory/pid")
# What a killed engine left running keeps its network.
if [ -e "/sys/class/net/farm$number" ]; then ip link del "farm$number"; fi
ip link add "farm$number" type veth peer name eth0 netns "$namespace"
ip address add "10.99.$number.1/24" dev "farm$number"
ip link set "farm$number" up
nsenter --net --target "$namespace" sh -ec "ip link set lo up; ip address add 10.99.$number.2/24 dev eth0
    ip link set eth0 up; ip route add default via 10.99.$number.1"
