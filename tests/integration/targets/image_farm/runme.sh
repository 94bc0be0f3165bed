#!/usr/bin/env bash
# A farm of four engines and a registry: each build happens once, whatever becomes of the engines.
set -euxo pipefail

export ANSIBLE_ROLES_PATH=.. ANSIBLE_NOCOLOR=true ANSIBLE_FORCE_COLOR=false ANSIBLE_FORKS=4
export PATH=/usr/sbin:$PATH

# build NAME ARGUMENTS...: a run of the playbook, whose output is in the file NAME
build() { ansible-playbook -i inventory.yml trusted.crossbuild.build "${@:2}" >"$1" 2>&1; }
fails() { if "$@"; then echo "that should have failed" >&2; return 1; fi; }
seen() { grep -E -- "$2" "$1" || { cat "$1"; return 1; }; }
unseen() { if grep -E -- "$2" "$1"; then echo "that should not be there" >&2; return 1; fi; }
# registry COMMAND...: what another client finds there
tags() { skopeo list-tags --tls-verify=false "docker://10.99.0.1:5000/$1" | python3 -c 'import json, sys; print(*json.load(sys.stdin)["Tags"], sep="\n")'; }
entries() { tags ledger | grep -c '^key-'; }
digest() { skopeo inspect --raw --tls-verify=false "docker://10.99.0.1:5000/$1" | sha256sum; }
written() { find /tmp/registry/storage -type f | wc -l; }
clean_up() {
    for number in 1 2 3 4; do ./engine.sh stop "$number"; ip link del "farm$number" || true; done
    ansible-playbook -i inventory.yml teardown.yml
}

mkdir -p /tmp/image_farm
ansible-playbook -i inventory.yml setup.yml
trap clean_up EXIT
for number in 1 2 3 4; do ./engine.sh start "$number"; done

# images NAME COUNT STEP: a list of so many images for two platforms
images() {
    python3 - "$@" <<'PYTHON'
import json, sys

name, count, step = sys.argv[1:]
print(json.dumps({"crossbuild_images": [
    {"name": f"10.99.0.1:5000/{name}{number}:1.0", "tags": ["latest"], "platforms": ["armhf", "arm64"], "network": "none",
     "dockerfile_inline": f"FROM 10.99.0.1:5000/base:1\nRUN echo {name}{number} >/name; {step}\n"}
    for number in range(int(count))
]}))
PYTHON
}

: Twelve builds on four engines are twelve builds
images app 6 'uname -m >/arch' >app.json
time build out -e @app.json
seen out '12 built, 0 found in the ledger, 0 failed; 12 emulated'
[ "$(entries)" = 12 ]
for number in 1 2 3 4; do seen out "^farm$number: ok=.* changed=[1-9]|^farm$number +: ok=.* changed=[1-9]"; done
[ "$(tags app3)" = "1.0
latest" ]

: The second run builds nothing, and writes nothing to the registry
before=$(written)
time build out -e @app.json
seen out '0 built, 12 found in the ledger, 0 failed'
[ "$(grep -cE '^farm. +: ok=.* changed=0 ' out)" = 4 ]
[ "$(written)" = "$before" ]
