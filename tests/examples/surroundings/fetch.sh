#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# fetch.sh DIRECTORY ARCHITECTURE...: out of the distribution's archive, with lists of their own,
#   DIRECTORY/mirror          packages of emulators, of this release and of the next one, called as in the examples
#   DIRECTORY/binfmt          files of an image of emulators
#   DIRECTORY/ARCHITECTURE    files of a base image with busybox
set -euo pipefail
directory=$1
shift
work=$(mktemp -d)
chmod 755 "$work" # for the user _apt
mkdir -p "$work/lists/partial" "$work/image" "$directory/mirror" "$directory/binfmt"/{bin,usr/bin}
cd "$work"

# shellcheck disable=SC2016 # apt replaces it
uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Release: bookworm' | sed --quiet 1p)
keys=signed-by=/usr/share/keyrings/debian-archive-keyring.gpg
architectures=$(IFS=,; echo "$*")
cat >list <<LIST
deb [arch=$architectures $keys] $uri bookworm main
deb [arch=amd64 $keys] $uri trixie main
LIST
own() {
    apt-get -qq --option Dir::Etc::sourcelist="$work/list" --option Dir::Etc::sourceparts=- --option Dir::State::lists="$work/lists" \
        --option Dir::Cache::pkgcache= --option Dir::Cache::srcpkgcache= --option APT::Architectures="$architectures" "$@"
}
own update
own download qemu-user-static/bookworm qemu-user/trixie "${@/#/busybox-static:}"

dpkg-deb --extract qemu-user-static_*.deb image
cp image/usr/bin/qemu-arm-static image/usr/bin/qemu-aarch64-static "$directory/binfmt/usr/bin"
mv qemu-user-static_*.deb "$directory/mirror/qemu-user-static_7.2+dfsg-7_amd64.deb"
mv qemu-user_*.deb "$directory/mirror/qemu-user_10.0.2+ds-2_amd64.deb"

for architecture; do
    base=$directory/$architecture
    mkdir -p "$base/usr/bin"
    dpkg-deb --extract busybox-static_*_"$architecture".deb "$work/$architecture"
    # A package of the next release has its programs below /usr.
    mkdir -p "$base/bin"
    cp "$(find "$work/$architecture" -name busybox -type f -perm -100 | head -n 1)" "$base/bin/busybox"
    for name in sh cat cp echo ls mkdir true uname; do ln -sf busybox "$base/bin/$name"; done
    # What an example runs instead of a compiler.
    printf '#!/bin/sh\necho "made for:"\nuname -m\n' >"$base/bin/make"
    chmod 755 "$base/bin/make"
done
