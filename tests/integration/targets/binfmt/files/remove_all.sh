#!/bin/sh
# Removes every entry, one by one.
set -eu
cd /proc/sys/fs/binfmt_misc
for entry in $(ls --ignore=register --ignore=status); do
    echo -1 > "$entry"
done
