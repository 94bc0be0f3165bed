#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A node of the builder: an engine of the next release, whose only way out is to this host, where the registry is, and whose
# BuildKit listens at tcp://10.98.0.1:123NUMBER. node.sh start|kill|stop NUMBER
set -eu
verb=$1 number=$2
files=$(cd "$(dirname "$0")/../setup_engine/files" && pwd)
packages=/tmp/image_farm_buildx/packages
directory=/tmp/image_farm_buildx/$number

mkdir -p "$directory"
cd "$directory"
# Its BuildKit ends with it.
if [ -e buildkit.pid ]; then
    kill -KILL "$(cat buildkit.pid)"
    rm buildkit.pid
fi
if [ "$verb" != start ]; then exec "$files/engine.sh" "$verb" .; fi

# With containerd's image store its BuildKit exports images as others do.
echo '{"features": {"containerd-snapshotter": true}}' >daemon.json
PATH=$packages/usr/sbin:$packages/usr/bin:$PATH "$files/engine.sh" start . --config-file daemon.json --insecure-registry 10.98.0.1:5000
"$files/network.sh" "node$number" "10.98.$number" "$(cat pid)"
nohup python3 "$files/buildkit.py" engine "10.98.0.1:123$number" >buildkit.log 2>&1 </dev/null &
echo $! >buildkit.pid
