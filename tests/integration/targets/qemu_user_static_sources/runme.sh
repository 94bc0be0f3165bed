#!/usr/bin/env bash
# Python, because most of it is about what happens to a module that is killed, starved or lied to.
set -eux
# Targets that ran before leave the emulators; here everything begins without any.
dpkg --list 'qemu-user*' | awk '$1 == "ii" { print $2 }' | xargs --no-run-if-empty apt-get -qq purge --autoremove
# ansible-test keeps a copy of the target inside of the collection, at whatever depth.
PYTHONPATH="$PWD:${PWD%/ansible_collections/*}" PYTHONDONTWRITEBYTECODE=1 \
    python -m pytest --import-mode=importlib -p no:cacheprovider --rootdir "$PWD" --confcutdir "$PWD" -ra --durations=10 "$PWD"
