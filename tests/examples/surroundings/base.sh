#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# base.sh DIRECTORY PLATFORM NAME...: an image of the busybox that is unpacked in DIRECTORY, pushed under each name. The
# engine is that of the hosts' machine, which runs no foreign programs.
set -eu
directory=$1 platform=$2
shift 2
cd "$directory"
for command in sh cat cp echo ls mkdir true uname; do ln -sf busybox "bin/$command"; done
# What an example runs instead of a compiler.
printf '#!/bin/sh\necho made for $(uname -m)\n' >bin/make
chmod 755 bin/make
printf 'FROM scratch\nCOPY bin /bin\nCMD ["sh"]\n' >Dockerfile
# The cache knows no platforms.
DOCKER_BUILDKIT=0 docker build --quiet --no-cache --platform "$platform" --tag image .
for name; do
    docker tag image "$name"
    docker push --quiet "$name"
done
