#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# mirror.sh DIRECTORY FILES: the distribution's packages of emulators, called as in the examples, and files for an image.
set -eu
directory=$1 files=$2
work=$(mktemp -d)
cd "$work"
apt-get -qq download qemu-user-static
mkdir -p next/partial
uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 'Release: bookworm' | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri trixie main" >next.list
next() { apt-get -qq --option Dir::Etc::sourcelist="$work/next.list" --option Dir::Etc::sourceparts=- --option Dir::State::lists="$work/next" "$@"; }
next update
next download qemu-user
mkdir image "$directory.new"
mkdir -p "$files/bin" "$files/usr/bin"
dpkg-deb --extract qemu-user-static_*.deb image
cp image/usr/bin/qemu-arm-static image/usr/bin/qemu-aarch64-static "$files/usr/bin"
mv qemu-user-static_*.deb "$directory.new/qemu-user-static_7.2+dfsg-7_amd64.deb"
mv qemu-user_*.deb "$directory.new/qemu-user_10.0.2+ds-2_amd64.deb"
mv "$directory.new" "$directory"
