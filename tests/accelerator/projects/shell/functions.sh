#!/usr/bin/env bash
# What bash has and sh has not.
set -euo pipefail
declare -A count
while read -r user _ id _; do
    count[$id]=$user
done < <(tr ':' ' ' </etc/passwd)
for id in $(printf '%s\n' "${!count[@]}" | sort -n); do
    echo "$id is ${count[$id]}, ${#count[$id]} letters, ${count[$id]^^}"
done
factorial() { if (($1 < 2)); then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
for n in {1..12}; do factorial "$n"; done
echo "${BASH_VERSINFO[0]} $MACHTYPE $HOSTTYPE $OSTYPE"
uname -m
# shellcheck disable=SC2050  # which part matches is what counts
[[ "debian-12.7" =~ ^([a-z]+)-([0-9.]+)$ ]] && echo "${BASH_REMATCH[@]}"
trap 'echo ended with $?' EXIT
(kill -TERM $BASHPID) || echo "a child ended with $?"
