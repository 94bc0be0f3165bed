#!/usr/bin/env bash
# A farm whose hosts are the nodes of one builder of buildx: each build happens once, where buildx was told, whatever becomes of a node.
set -euxo pipefail

export ANSIBLE_ROLES_PATH=.. ANSIBLE_NOCOLOR=true ANSIBLE_FORCE_COLOR=false ANSIBLE_FORKS=4
# The distribution's client, and not one that somebody put in /usr/local.
mkdir -p /tmp/image_farm_buildx/bin
ln -sf /usr/bin/docker /tmp/image_farm_buildx/bin/docker
export PATH=/tmp/image_farm_buildx/bin:/usr/sbin:$PATH

# build OUTPUT ARGUMENTS...: a run of the playbook
build() { ansible-playbook -i inventory.yml trusted.crossbuild.build "${@:2}" >"$1" 2>&1 || { cat "$1"; return 2; }; }
fails() { if "$@"; then echo "that should have failed" >&2; return 1; fi; }
seen() { grep -E -- "$2" "$1" || { cat "$1"; return 1; }; }
unseen() { if grep -E -- "$2" "$1"; then echo "that should not be there" >&2; return 1; fi; }
until_done() ( set +x; for _ in $(seq 300); do if "$@"; then exit; fi; sleep 0.3; done; exit 1 )
# What another client finds in the registry.
platforms() {
    skopeo inspect --raw --tls-verify=false "docker://10.98.0.1:5000/$1" |
        python3 -c 'import json, sys; print(*[one["platform"]["architecture"] for one in json.load(sys.stdin)["manifests"]])'
}
entries() {
    skopeo list-tags --tls-verify=false docker://10.98.0.1:5000/ledger |
        python3 -c 'import json, sys; print(sum(one.startswith("key-") for one in json.load(sys.stdin)["Tags"]))'
}
written() { find /tmp/registry/storage -type f | wc -l; }
# made IMAGE PLATFORM: what the image itself says of where it was made, by the address that it saw there
made() {
    docker image rm --force "10.98.0.1:5000/$1:1.0" >/dev/null
    docker run --rm --network none --pull always --platform "$2" "10.98.0.1:5000/$1:1.0" cat /node 2>/dev/null
}
# nodes: of each node of the builder the name and the platforms, as buildx recorded them
nodes() {
    python3 - <<'PYTHON'
import json, os

with open(os.path.expanduser("~/.docker/buildx/instances/trusted-crossbuild")) as file:
    record = json.load(file)
print(*[f"{one['Name']}={'+'.join(platform['architecture'] for platform in one['Platforms'])}" for one in record["Nodes"]])
PYTHON
}
clean_up() {
    for number in 1 2 3; do ./node.sh stop "$number"; done
    ansible-playbook -i inventory.yml teardown.yml
}
# images NAME COUNT STEP: a list of so many images for two platforms, each of which keeps the address of the node that made it
images() {
    python3 - "$@" <<'PYTHON'
import json, sys

name, count, step = sys.argv[1:]
node = r"grep -o '10\.98\.[0-9]\.2' /proc/net/fib_trie | head -n 1 >/node"
print(json.dumps({"crossbuild_images": [
    {"name": f"10.98.0.1:5000/{name}{number}:1.0", "tags": ["latest"], "platforms": ["amd64", "armhf"], "network": "host",
     "dockerfile_inline": f"FROM 10.98.0.1:5000/base:1\nRUN echo {name}{number}; {node}; {step}\n"}
    for number in range(int(count))
]}))
PYTHON
}

# list IMAGES...: the list of a run
list() { python3 -c 'import json, sys; print(json.dumps({"crossbuild_images": sum((json.loads(one)["crossbuild_images"] for one in sys.argv[1:]), [])}))' "$@"; }

ansible-playbook -i inventory.yml setup.yml
trap clean_up EXIT
app=$(images app 2 true)

: Without buildx, or an address, nothing is begun
fails build out -e "$app"
seen out 'Nothing was built. None of the hosts .node1, node2, node3. has buildx 0.12 or newer'
ansible-playbook -i inventory.yml next_release.yml
fails build out -e "$app" -e '{"image_farm_node": ""}'
seen out 'Nothing was built. image_farm_node is not set for node1, node2, node3'
unseen out 'TASK.*Build$'

: The module by itself
ansible-playbook -i inventory.yml builder.yml

for number in 1 2 3; do ./node.sh start "$number"; done

: In check mode no builder is made
build out -e "$app" --check
[ ! -e ~/.docker/buildx/instances/trusted-crossbuild ]

: Two images for two platforms are four builds, each on the node that was said
build out -e "$app"
seen out '4 of 4 builds are left'
seen out '4 built, 0 found in the ledger, 0 failed; 2 emulated, 0 accelerated'
seen out 'app1:1.0 +linux/amd64 +node1 +native +built'
seen out 'app1:1.0 +linux/arm/v7 +node2 +emulated +built'
[ "$(nodes)" = 'node1=amd64 node2=arm' ]
[ "$(made app0 linux/amd64) $(made app1 linux/amd64)" = '10.98.1.2 10.98.1.2' ]
[ "$(made app0 linux/arm/v7) $(made app1 linux/arm/v7)" = '10.98.2.2 10.98.2.2' ]
[ "$(platforms app1:latest) $(entries)" = 'amd64 arm 4' ]

: The second run builds nothing, and changes neither the builder nor the registry
before="$(written) $(stat --format %Y%Z ~/.docker/buildx/instances/trusted-crossbuild)"
build out -e "$app"
seen out '0 built, 4 found in the ledger, 0 failed'
[ "$(grep -cE '^node. +: ok=.* changed=0 ' out)" = 3 ]
[ "$(written) $(stat --format %Y%Z ~/.docker/buildx/instances/trusted-crossbuild)" = "$before" ]

: A node is killed while it builds, and a build fails by itself. What the node had to build another one builds
broken=$(images app 1 'uname -m | grep -x x86_64')
slow=$(images slow 1 'sleep 7')
build out -e "$(list "$broken" "$slow")" &
until_done grep -q 'linux/arm/v7 .2/2. RUN echo slow0' out
./node.sh kill 2
fails wait $!
seen out '^ +"[12] of 4 builds are left'
seen out '3 built, 0 found in the ledger, 1 failed'
seen out 'slow0:1.0 +linux/arm/v7 +node3 +emulated +built'
seen out 'app0:1.0 linux/arm/v7 failed on node[23]: The build failed at step 2 of 2, line 2: RUN .*grep -x x86_64'
seen out 'node2 went away, and others built what it had to: The build failed at step 2 of 2'
seen out 'The node of the builder that built it ended'
[ "$(nodes)" = 'node1=amd64 node3=arm' ]
[ "$(made slow0 linux/amd64) $(made slow0 linux/arm/v7)" = '10.98.1.2 10.98.3.2' ]

: Of a node that is gone before nothing is waited for
gone=$(images gone 1 true)
fails build out -e "$gone"
seen out 'node2 went away, .*The node node2 of the builder trusted-crossbuild, which builds linux/arm/v7, does not answer at tcp://10.98.0.1:1232'
[ "$(made gone0 linux/arm/v7)" = 10.98.3.2 ]
./node.sh start 2

: A host whose engine is gone drives no builder, and another one does
engine='{{ inventory_hostname == "node1" and "unix:///run/none" or "unix:///var/run/docker.sock" }}'
fails build out -e "$(images head 1 true)" -e "$(python3 -c 'import json, sys; print(json.dumps({"image_farm_docker_host": sys.argv[1]}))' "$engine")"
seen out 'node1 went away, and others built what it had to: .*unix:///run/none'
seen out '2 built, 0 found in the ledger, 0 failed'
[ "$(made head0 linux/amd64)" = 10.98.2.2 ]

: So is one on which the builder cannot be made
name='{{ inventory_hostname == "node1" and "default" or "trusted-crossbuild" }}'
fails build out -e "$(images name 1 true)" -e "$(python3 -c 'import json, sys; print(json.dumps({"image_farm_builder": sys.argv[1]}))' "$name")"
seen out 'node1 went away, .*The builder could not be made there: name: .default. is what buildx calls'
seen out '2 built, 0 found in the ledger, 0 failed'
