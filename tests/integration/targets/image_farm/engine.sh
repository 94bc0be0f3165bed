#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# An engine of the farm, whose only way out is to this host, where the registry is: engine.sh start|kill|stop NUMBER [OPTIONS...]
set -eu
verb=$1 number=$2 directory=/tmp/image_farm/$2
shift 2
files=$(dirname "$0")/../setup_engine/files
if [ "$verb" != start ]; then exec "$files/engine.sh" "$verb" "$directory"; fi

mkdir -p "$directory"
"$files/engine.sh" start "$directory" --insecure-registry 10.99.0.0/24 "$@"
"$files/network.sh" "farm$number" "10.99.$number" "$(cat "$directory/pid")"
