#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# run.sh BUILDX_DIR [PYTEST_ARGUMENTS...]: in the laboratory, with the distribution's engine and that buildx.
set -euo pipefail
here=$(dirname "$0")
buildx=$1
shift

apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends docker.io >/var/tmp/install.log 2>&1 ||
    { cat /var/tmp/install.log >&2; exit 1; }
install -D "$buildx/usr/libexec/docker/cli-plugins/docker-buildx" /usr/local/lib/docker/cli-plugins/docker-buildx

# Nothing here needs a container's network.
dockerd --iptables=false --bridge=none >/var/tmp/dockerd.log 2>&1 &
until docker version >/dev/null 2>&1; do
    kill -0 $! || { cat /var/tmp/dockerd.log >&2; exit 1; }
    sleep 0.2
done
docker version --format 'engine {{ .Server.Version }}'
docker buildx version
PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 pytest -p no:cacheprovider --durations=3 -rP "$here" "$@"
