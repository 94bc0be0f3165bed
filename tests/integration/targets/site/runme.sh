#!/usr/bin/env bash
# The playbooks site and report on a farm, as a person runs them.
set -euo pipefail

playbooks=${PWD%/tests/output/*}/playbooks
log=$(mktemp -d)
entry=/proc/sys/fs/binfmt_misc/qemu-arm
stop() { echo "site: $1" >&2; exit 1; }
play() { # NAME STATUS PLAYBOOK ARGUMENTS: its output goes to the file NAME, and its status must be that
    local status=0
    ansible-playbook -i farm.yml "$playbooks/$3.yml" "${@:4}" >"$log/$1" 2>&1 || status=$?
    echo "--- $1"
    cat "$log/$1"
    [ "$status" = "$2" ] || stop "$1 ended with status $status, not $2"
}
said() { # NAME PATTERNS
    local pattern
    for pattern in "${@:2}"; do grep --quiet "$pattern" "$log/$1" || stop "$1 did not say: $pattern"; done
}
unsaid() { if grep --quiet "$2" "$log/$1"; then stop "$1 said: $2"; fi }
modules() { grep --count 'Using module file' "$log/$1"; }

apt-get -qq update
apt-get -qq --no-install-recommends install sudo >/dev/null
# The user of the connection is root, who needs no sudo unless told so.
export ANSIBLE_BECOME_ALLOW_SAME_USER=true

# An engine may be there, of another test.
engine() { dpkg-query --show --showformat '${db:Status-Status}' docker.io 2>/dev/null || echo none; }
had=$(engine)
play check 0 site --check --limit mixed
said check 'mixed  *drift' 'mixed would change: .*register qemu-arm'
[ "$had" = installed ] || said check 'mixed would change: install docker.io'
[ "$(engine)" = "$had" ] || stop "check mode changed the engine"
[ ! -e $entry ] || stop "check mode registered an entry"

play fresh 2 site
said fresh 'first  *ready  *[0-9.+a-z]*  *emulated 7' 'mixed  *ready .*emulated 7.* native  *native' 'away  *failed  *-  *unknown' \
    'away: It cannot be reached: .*port 1: Connection refused' \
    'pythonless: There is no Python at /usr/bin/python3.99. Install Python' \
    'forgetful: The password to become root is wrong. Give the right one' \
    "misspelt: Unknown platform 'armhg'. The nearest known names are armhf" \
    '6 hosts: 2 ready, 4 failed.' \
    '^first .*changed=[1-9].* failed=0' '^mixed .*changed=0 .*failed=0' '^away .*failed=1' '^misspelt .*failed=1'
# The canary's batch, and then that of all others.
[ "$(grep --count 'PLAY \[Turn the build hosts' "$log/fresh")" = 2 ] || stop "the canary did not go first"
[ ! -e /proc/sys/fs/binfmt_misc/qemu-i386 ] || stop "a platform that is native got an emulator"

play again 0 site --limit 'first,mixed' -vvv
said again '^first .*changed=0 .*failed=0' '^mixed .*changed=0 .*failed=0' '2 hosts: 2 ready.'
[ "$(modules again)" -le 4 ] || stop "two hosts that need nothing cost $(modules again) modules"

play canary 2 site --limit 'away,pythonless' -e crossbuild_canary=1
said canary 'away: It cannot be reached' 'pythonless: It was not begun, as the canary away failed' '2 hosts: 1 failed, 1 not begun.'
unsaid canary 'interpreter .*python3.99.* was not found'

echo -1 >$entry
play report 0 report --limit mixed -e crossbuild_report_directory="$log/pages"
said report 'mixed  *drift .*broken' 'mixed: linux/arm/v7: not registered' 'mixed would change: kernel: register qemu-arm'
[ ! -e $entry ] || stop "the report changed something"
python3 -c '
import json, sys
host, = json.load(open(sys.argv[1]))["hosts"]
assert host["state"] == "drift" and host["cells"]["linux/amd64"]["status"] == "native", host
assert any("qemu-arm" in action for action in host["actions"]), host
' "$log/pages/fleet.json"
grep --quiet '<title>Build hosts</title>' "$log/pages/fleet.html"

play tags 0 site --limit mixed --tags emulation
[ -e $entry ] || stop "the entry was not registered again"
unsaid tags 'TASK .*Docker Engine: present'

status=0
ansible-playbook -i localhost, "$playbooks/site.yml" >"$log/empty" 2>&1 || status=$?
[ $status = 2 ] || stop "a farm without hosts ended with status $status"
said empty 'the group build_hosts has no hosts in this inventory, or none within --limit'

ansible-playbook -i farm.yml "$playbooks/teardown.yml" --limit first
SUDO_FORCE_REMOVE=yes apt-get -qq purge sudo >/dev/null
