#!/bin/sh
# The entries that are about something else: their text, when they were registered, and in which order.
set -eu
cd /proc/sys/fs/binfmt_misc
set -- DOSWin jar python3.11 CLR WSLInterop
grep "" "$@" status
stat --format '%n %y' "$@"
find . -mindepth 1 \( -name DOSWin -o -name jar -o -name python3.11 -o -name CLR -o -name WSLInterop \)
