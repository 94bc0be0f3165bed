#!/usr/bin/env bash
# A farm of four engines and a registry: each build happens once, whatever becomes of the engines.
set -euxo pipefail

export ANSIBLE_ROLES_PATH=.. ANSIBLE_NOCOLOR=true ANSIBLE_FORCE_COLOR=false ANSIBLE_FORKS=4
export PATH=/usr/sbin:$PATH

# build OUTPUT ARGUMENTS...: a run of the playbook
build() { ansible-playbook -i inventory.yml trusted.crossbuild.build "${@:2}" >"$1" 2>&1; }
fails() { if "$@"; then echo "that should have failed" >&2; return 1; fi; }
seen() { grep -E -- "$2" "$1" || { cat "$1"; return 1; }; }
unseen() { if grep -E -- "$2" "$1"; then echo "that should not be there" >&2; return 1; fi; }
until_done() ( set +x; for _ in $(seq 300); do if "$@"; then exit; fi; sleep 0.3; done; exit 1 )
# What another client finds in the registry.
tags() {
    skopeo list-tags --tls-verify=false "docker://10.99.0.1:${2:-5000}/$1" |
        python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)["Tags"]))'
}
platforms() {
    skopeo inspect --raw --tls-verify=false "docker://10.99.0.1:5000/$1" |
        python3 -c 'import json, sys; print(*[one["platform"]["architecture"] for one in json.load(sys.stdin)["manifests"]])'
}
entries() { tags ledger | tr ' ' '\n' | grep -c '^key-'; }
written() { find /tmp/registry/storage -type f | wc -l; }
# How many images the engines made.
made() {
    for number in 1 2 3 4; do
        docker --host "unix:///tmp/image_farm/$number/engine" image ls --format '{{.Repository}}:{{.Tag}}'
    done | grep -Evc '/base:|<none>'
}
running() { [ -n "$(docker --host "unix:///tmp/image_farm/$1/engine" ps --quiet)" ]; }
clean_up() {
    for number in 1 2 3 4; do ./engine.sh stop "$number"; done
    ansible-playbook -i inventory.yml teardown.yml
}
# images NAME COUNT STEP: a list of so many images for two platforms
images() {
    python3 - "$@" <<'PYTHON'
import json, sys

name, count, step = sys.argv[1:]
print(json.dumps([
    {"name": f"10.99.0.1:5000/{name}{number}:1.0", "tags": ["latest"], "platforms": ["armhf", "arm64"], "network": "none",
     "dockerfile_inline": f"FROM 10.99.0.1:5000/base:1\nRUN echo {name}{number} >/name; {step}\n"}
    for number in range(int(count))
]))
PYTHON
}
# list IMAGES...: the list of a run
list() { python3 -c 'import json, sys; print(json.dumps({"crossbuild_images": sum(map(json.loads, sys.argv[1:]), [])}))' "$@"; }

mkdir -p /tmp/image_farm
ansible-playbook -i inventory.yml setup.yml
trap clean_up EXIT
for number in 1 2 3 4; do ./engine.sh start "$number"; done


: Twenty-four builds on four engines are twenty-four builds
app=$(images app 12 'uname -m >/arch')
build out -e "$(list "$app")"
seen out '24 of 24 builds are left'
seen out '24 built, 0 found in the ledger, 0 failed; 24 emulated, 0 accelerated'
[ "$(entries) $(made)" = '24 24' ]
[ "$(grep -cE '^farm. +: ok=.* changed=[12] ' out)" = 4 ]
[ "$(tags app3)" = '1.0 latest' ]
[ "$(platforms app3:latest)" = 'arm arm64' ]

: The second run builds nothing, and writes nothing to the registry. It asks for all builds of a host at once
before=$(written)
build out -e "$(list "$app")" -vvv
[ "$(grep -cE 'Using module file .*/(docker_image|docker_manifest).py' out)" = 1 ]
seen out '0 built, 24 found in the ledger, 0 failed'
[ "$(grep -cE '^farm. +: ok=.* changed=0 ' out)" = 4 ]
[ "$(written) $(made)" = "$before 24" ]

: A report on the fleet has the times
ansible-playbook -i inventory.yml trusted.crossbuild.report -e "$(list "$app")" -e crossbuild_report_directory="$PWD/report" >out 2>&1
python3 - <<'PYTHON'
import json

builds = json.load(open("report/fleet.json"))["builds"]
assert len(builds) == 24 and all(one["seconds"] > 0 and one["emulator"] for one in builds), builds
PYTHON
ansible-playbook -i inventory.yml trusted.crossbuild.report -e "$(list "$app")" -e crossbuild_ledger=10.99.0.1:5999/ledger >out 2>&1
seen out 'The report has no build times: .*Nobody answers at 10.99.0.1:5999'

: An engine is killed while it builds, and a build fails by itself. The others are built, and only what is whole gets its tags
broken=$(images app 1 'uname -m | grep -x armv7l')
slow=$(images slow 2 'sleep 7')
app0=$(skopeo inspect --raw --tls-verify=false docker://10.99.0.1:5000/app0:1.0)
build out -e "$(list "$broken" "$slow")" &
until_done running 2
./engine.sh kill 2
fails wait $!
seen out '^ +"[12] of 6 builds are left'
seen out '5 built, 0 found in the ledger, 1 failed'
seen out 'app0:1.0 linux/arm64 failed on farm.: The build failed at step 2 of 2, line 2: RUN .*grep -x armv7l'
seen out 'farm2 went away, and others built what it had to: '
seen out 'engine at unix:///tmp/image_farm/2/engine does not answer'
seen out 'app0:1.0 has its tags as before'
[ "$(platforms slow0:1.0)/$(platforms slow1:latest)" = 'arm arm64/arm arm64' ]
[ "$(skopeo inspect --raw --tls-verify=false docker://10.99.0.1:5000/app0:1.0)" = "$app0" ]
[ "$(entries)" = 29 ]
./engine.sh start 2

: Of two controllers that want the same one builds, and the other one waits for it
race=$(list "$(images race 1 'sleep 5')")
before=$(made)
build out -e "$race" -l farm1 &
build other -e "$race" -l farm3
wait $!
# Who built how many does not matter.
[ "$(cat out other | grep -oE '[0-9] (built|found)' | awk '{ sum[$2] += $1 } END { print sum["built"], sum["found"] }')" = '2 2' ]
built=$(made)
[ "$(entries) $((built - before))" = '31 2' ]

: All that is wrong with a list is said before anything is built
wrong='[{"name": "10.99.0.1:5000/twice", "platforms": ["armhf"]}, {"name": "10.99.0.1:5000/twice", "platforms": ["s390x"]},
    {"name": "10.99.0.1:5000/once", "platforms": ["arm65"]}, {"name": "elsewhere.example/app", "platforms": ["armhf"]}]'
fails build out -e "$(list "$wrong")"
seen out 'Nothing was built. .*twice:latest is named 2 times'
seen out 'twice: no host proved that it runs linux/s390x .asked: farm1, farm2, farm3, farm4'
seen out "once: Unknown platform .arm65."
seen out 'elsewhere.example/app is to be in the registry elsewhere.example'

: A registry that is not there, that is not trusted, that refuses the user, and that is read-only
one=$(images one 1 'uname -m >/arch')
elsewhere() { list "${one//10.99.0.1:5000/$1}"; }
fails build out -l farm1 -e "$(elsewhere 10.99.0.1:5999)" -e crossbuild_ledger=10.99.0.1:5999/ledger
seen out 'Nobody answers at 10.99.0.1:5999'
fails build out -l farm1 -e "$(elsewhere registry.test:5003)" -e crossbuild_ledger=registry.test:5003/ledger -e '{"image_farm_registry": {}}'
seen out 'is not trusted'
fails build out -l farm1 -e "$(elsewhere registry.test:5003)" -e crossbuild_ledger=registry.test:5003/ledger \
    -e '{"image_farm_registry": {"ca_path": "/tmp/registry/ca.pem", "username": "builder", "password": "wrong"}}'
seen out 'refused the user builder'
fails build out -l farm1 -e "$(elsewhere 10.99.0.1:5001)" -e crossbuild_ledger=10.99.0.1:5001/ledger2
seen out 'it may be read-only'
[ "$(made)" = "$built" ]

: A host that cannot be reached is named with the reason, and the others build everything
away=$(images away 3 'uname -m >/arch')
fails build out -i unreachable.yml -e "$(list "$away")"
seen out 'farm0.: UNREACHABLE.*Connection refused'
seen out '6 built, 0 found in the ledger, 0 failed'
seen out 'farm0 was given nothing: it could not say what it runs'
[ "$(platforms away2:latest)" = 'arm arm64' ]

: A connection breaks while a build goes on: the host counts as gone, and what it finishes is not built again
left=$(list "$(images left 2 'sleep 9')")
build out -i ssh.yml -l 'all,!farm4' -e "$left" -e image_farm_reconnect_timeout=3 &
until_done running 4
sshd=$(cat /tmp/registry/sshd.pid)
pgrep --parent "$sshd" | xargs kill "$sshd"
rm /tmp/registry/sshd.pid
fails wait $!
seen out 'farm14 the connection is lost; the build goes on'
seen out 'farm14 went away, and others built what it had to: .*has not answered for 3 seconds'
seen out '3 built, 1 found in the ledger, 0 failed'
[ "$(platforms left0:1.0)/$(platforms left1:latest)" = 'arm arm64/arm arm64' ]

: A registry without room says so, nothing of it is half done, and the next run with room builds the rest
full() { build out -l farm1 -e crossbuild_ledger=10.99.0.1:5002/ledger -e "$(list "$@")"; }
in_full() { sed 's,10.99.0.1:5000/\([^b]\),10.99.0.1:5002/\1,g'; } # all but the base image
kept=$(images kept 1 'uname -m >/arch' | in_full)
small=$(images full 1 'uname -m >/arch' | in_full)
large=$(images full 1 'head -c 3000000 /dev/urandom >/large' | in_full)
full "$kept" "$small"
seen out '4 built'
index=$(skopeo inspect --raw --tls-verify=false docker://10.99.0.1:5002/full0:1.0)
fallocate -l "$(($(stat --file-system --format '%a * %S' /tmp/registry/full) - (1 << 20)))" /tmp/registry/full/filler
fails full "$kept" "$large"
seen out 'full0:1.0 linux/\S+ failed on farm1: .* was not pushed to 10.99.0.1:5002: .*500.* see that its storage has room'
[ "$(grep -cE 'full0:1.0 linux/\S+ failed on farm1: .* see that its storage has room' out)" = 2 ]
seen out '0 built, 2 found in the ledger, 2 failed'
[ "$(tags ledger 5002 | grep -o ' key-' | wc -l)" = 4 ]
[ "$(skopeo inspect --raw --tls-verify=false docker://10.99.0.1:5002/full0:1.0)" = "$index" ]

rm /tmp/registry/full/filler
full "$kept" "$large"
seen out '2 built, 2 found in the ledger, 0 failed'
