#!/bin/sh
# Everything this module could change on a host, as text: entries, their order, the boot configuration, the receipts.
set -eu
ls -U /proc/sys/fs/binfmt_misc
for entry in /proc/sys/fs/binfmt_misc/*; do
    [ ! -r "$entry" ] || [ "${entry##*/}" = register ] || sed "s,^,${entry##*/}: ," "$entry"
done
grep binfmt_misc /proc/mounts || echo not mounted
for directory in /etc/binfmt.d /var/lib/trusted.crossbuild; do
    [ ! -d "$directory" ] || find "$directory" -type f -exec sha256sum {} +
done
