#!/bin/sh
# The docker client, with a record of how it was called.
printf '%s\n' "$*" >> /tmp/buildx_calls
exec /usr/bin/docker "$@"
