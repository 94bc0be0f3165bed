#!/usr/bin/env bash
# Python, because most of it is about what happens to a module that is killed, starved or lied to.
set -eux
PYTHONPATH="$PWD:$(cd ../../../../../../.. && pwd)" PYTHONDONTWRITEBYTECODE=1 \
    python -m pytest --import-mode=importlib -p no:cacheprovider --rootdir "$PWD" --confcutdir "$PWD" -ra -x --durations=0 "$PWD" "$@"
