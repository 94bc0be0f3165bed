#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# fetch_buildx.sh DIR: the newest buildx that is packaged, Debian unstable's, unpacked into DIR.
# Stable releases have an old one or none. It needs only libc. apt checks its signature; the host's own lists stay.
set -euo pipefail
target=$1

# shellcheck disable=SC2016
archive=$(apt-get indextargets --format '$(COMPONENT) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    awk -v own="$(. /etc/os-release; echo "$VERSION_CODENAME")" '$1 == "main" && $2 == own { print $3; exit }')
private=$(mktemp --directory /var/tmp/buildx.XXXXXX)
trap 'rm -rf "$private"' EXIT
mkdir --parents "$private/lists/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive sid main" > "$private/sources.list"
options=(-o "Dir::Etc::SourceList=$private/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$private/lists" -o Acquire::Languages=none -o APT::Sandbox::User=root)
apt-get -qq "${options[@]}" update
(cd "$private" && apt-get -qq "${options[@]}" download docker-buildx)
dpkg-deb --extract "$private"/docker-buildx_*.deb "$target"
