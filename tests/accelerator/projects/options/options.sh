#!/bin/sh
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a build may ask of its tools beyond compiling a file. All that is left in the directory is compared.
set -eu

# What compilers say of themselves and of the machine.
gcc -print-search-dirs >search-dirs
gcc -print-file-name=libc.so -print-prog-name=cc1 >names
gcc -march=native -Q --help=target >target 2>&1 || echo "gcc ended with $?" >>target
gcc -dumpmachine >machine
echo | gcc -E -dM - | sort >macros
gcc -v -c answer.c -o verbose.o 2>verbose
sed -i 's,/tmp/cc[[:alnum:]]*,/tmp/cc,g' verbose

# A sysroot, one pass for all files, and sections of one's own.
gcc --sysroot=/ -O2 -c answer.c -o sysroot.o
gcc -O2 -flto -c answer.c -o lto.o
gcc -O2 -flto main.c lto.o -o lto && ./lto >lto.said
gcc -O2 -flto -ffat-lto-objects -fno-plt -static main.c answer.c -o static && ./static >static.said
printf '.section .note.options\n.asciz "here"\n' | as -o section.o - && objdump -s section.o >section.dump
ar rcs libanswer.a sysroot.o && ranlib libanswer.a && nm libanswer.a >symbols

# A precompiled header, and that it was used.
gcc -O2 answer.h -o answer.h.gch
gcc -O2 -Winvalid-pch -Werror -H main.c libanswer.a -o precompiled 2>included && ./precompiled >precompiled.said
grep -q '^! answer.h.gch$' included
rm answer.h.gch # it holds addresses

# The compiler is found by way of another program, which asks it for its version, and the second time is not called.
export CCACHE_DIR=/tmp/ccache
for times in once twice; do
    ccache gcc -O2 -c answer.c -o "ccache.$times.o"
    PATH=/usr/lib/ccache:$PATH gcc -O3 -c answer.c -o "ccache-link.$times.o"
done
ccache --print-stats | grep -E '^(direct_cache_hit|cache_miss|called_for_link)' | sort >ccache.said
rm -r "$CCACHE_DIR"

# Libraries of the container, and one that is none.
mkdir libraries
gcc -shared -fPIC -O2 answer.c -o libraries/libanswer.so
echo none >libraries/libc.so.7
LD_LIBRARY_PATH=$PWD/libraries LIBRARY_PATH=$PWD/libraries gcc -O2 main.c -lanswer -o shared
LD_LIBRARY_PATH=$PWD/libraries ./shared >shared.said
