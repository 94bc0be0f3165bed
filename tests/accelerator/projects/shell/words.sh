#!/bin/sh
# How often which word is in the texts that every Debian has, and what else pipes do.
set -eu
for file in /usr/share/common-licenses/GPL-2 /usr/share/common-licenses/LGPL-2.1 /usr/share/common-licenses/Artistic; do
    tr -cs '[:alpha:]' '\n' <"$file" | tr '[:upper:]' '[:lower:]' | sort | uniq -c | sort -k1,1nr -k2 | head -n 20
    sed -n -e 's/^ *\([0-9][0-9]*\)\. .*/section \1/p' "$file"
    awk '{ n += NF; if (length > m) m = length } END { print NR, n, m }' "$file"
done
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    name=$(printf 'file-%02d' "$n")
    directory=$(dirname "tree/$n/$name")
    mkdir -p "$directory"
    grep -c "e" /usr/share/common-licenses/GPL-3 | sed "s/^/$n: /" >"$directory/$name"
    [ "$(basename "$directory")" = "$n" ] || exit 1
    # shellcheck disable=SC2003  # a program, as old scripts use it
    expr "$n" '*' "$n" >>"$directory/$name"
done
find tree -type f -name 'file-*[05]' -print0 | sort -z | xargs -0 cat
find tree -type f | sort | xargs sha256sum
tar --sort=name --mtime=@0 --owner=0 --group=0 -cf tree.tar tree
gzip -9n <tree.tar >tree.tar.gz
xz -6 -T1 <tree.tar >tree.tar.xz
bzip2 -9 <tree.tar >tree.tar.bz2
cp -a tree copy
diff -r tree copy
ln -s copy link
chmod 750 copy
date -u -d @1000000000 +%F
