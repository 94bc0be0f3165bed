#!/bin/sh
# daemon.sh start NAME COMMAND... | stop NAME: a process in the background, with its id and its log below /tmp/registry.
set -eu
verb=$1 name=/tmp/registry/$2
shift 2
case $verb in
    start)
        setsid "$@" >"$name.log" 2>&1 </dev/null &
        echo $! >"$name.pid"
        ;;
    stop)
        kill -KILL "$(cat "$name.pid")"
        rm "$name.pid"
        ;;
esac
