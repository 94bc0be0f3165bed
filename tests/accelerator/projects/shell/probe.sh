#!/bin/sh
# As a configure script does: a program for each question, compiled, and most of them run.
set -eu
: >config.h
: >config.log
ask() { # NAME HEADERS EXPRESSION
    {
        # shellcheck disable=SC2086  # one line for each header
        printf '#include <%s>\n' $2
        printf 'int main(void) { return !(%s); }\n' "$3"
    } >probe.c
    if cc -o probe probe.c 2>>config.log && ./probe; then answer=1; else answer=0; fi
    printf '#define %s %s\n' "$(echo "$1" | tr '[:lower:]' '[:upper:]' | sed 's/[^A-Z0-9_]/_/g')" "$answer" >>config.h
    echo "$1... $answer" >>config.log
    rm -f probe probe.c
}
for header in stdio.h stdlib.h string.h unistd.h sys/mman.h nowhere.h sys/epoll.h kqueue.h; do
    ask "have $header" "$header" 1
done
for function in strlcpy strdup reallocarray memfd_create arc4random getrandom; do
    ask "have $function" "stdlib.h string.h sys/mman.h sys/random.h" "sizeof &$function"
done
for size in 4 8; do
    for type in int long 'void *' 'long double' size_t time_t 'struct stat'; do
        ask "$type of $size" "stddef.h time.h sys/stat.h" "sizeof($type) == $size"
    done
done
ask "char is signed" stdio.h "(char)-1 < 0"
ask "little endian" stdio.h "*(char *)&(int){1}"
