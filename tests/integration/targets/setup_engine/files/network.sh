#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The only way out of an engine of the test's own, which is to this host: network.sh NAME SUBNET PID. In SUBNET, such as 10.99.1,
# this host is 1 and the engine 2.
set -eu
name=$1 subnet=$2 engine=$3
# What a killed engine left running keeps its network.
if [ -e "/sys/class/net/$name" ]; then ip link del "$name"; fi
ip link add "$name" type veth peer name eth0 netns "$engine"
ip address add "$subnet.1/24" dev "$name"
ip link set "$name" up
nsenter --net --target "$engine" sh -ec "ip link set lo up; ip address add $subnet.2/24 dev eth0
    ip link set eth0 up; ip route add default via $subnet.1"
