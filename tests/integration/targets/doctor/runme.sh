#!/usr/bin/env bash
# The playbook doctor on a host that is taken from nothing to all well: at each step it must name the layer that is missing.
set -euo pipefail

collection=${PWD%/tests/output/*}
targets=$collection/tests/integration/targets
log=$(mktemp -d)
table=/proc/sys/fs/binfmt_misc
export DOCKER_HOST=unix:///tmp/doctor/engine
stop() { echo "doctor: $1" >&2; exit 1; }
ask() { # NAME STATUS ARGUMENTS: the output goes to the file NAME, and the status must be that
    local status=0
    ansible-playbook -i farm.yml "$collection/playbooks/doctor.yml" "${@:3}" >"$log/$1" 2>&1 || status=$?
    echo "--- $1"
    cat "$log/$1"
    [ "$status" = "$2" ] || stop "$1 ended with status $status, not $2"
}
said() { # NAME PATTERNS
    local pattern
    for pattern in "${@:2}"; do grep --quiet -e "$pattern" "$log/$1" || stop "$1 did not say: $pattern"; done
}
wrong() { # NAME BEGINNING PATTERNS: of one host
    ask "$1" 2 --limit here -e doctor_image=doctor/image
    said "$1" "Begin here: $2" "${@:3}" '^here .*changed=0 .*failed=1'
}
# Sorted, as images of the same age come in any order.
state() { ls "$table" /usr/bin/qemu-* /run/systemd 2>/dev/null; { docker image ls --all --quiet; docker container ls --all --quiet; } | sort; }

apt-get -qq purge qemu-user-static >/dev/null
ask nothing 2
said nothing 'Begin here: emulator of linux/arm/v7: There is no emulator for arm on this host.*Install it with trusted.crossbuild.qemu_user_static' \
    'holds  host  *linux/amd64, Linux' 'holds  binfmt_misc' 'FAILS  entry linux/arm/v7' 'FAILS  engine' \
    '-  *builder  *not looked at: the engine cannot be used' '-  *container linux/arm/v7  *not looked at' \
    '-  *accelerator  *not looked at: it was not asked for' '-  *image  *not looked at: none was named' \
    'It cannot be reached: .*port 1: Connection refused' "Unknown platform 'armhg'. The nearest known names are armhf" \
    '3 hosts: 0 well, 3 not' '^away .*failed=1' '^misspelt .*failed=1' '^here .*failed=1'

umount $table
wrong unmounted "binfmt_misc: binfmt_misc is not mounted at $table" '-  *entry linux/arm/v7  *not looked at'
mount -t binfmt_misc binfmt_misc $table
echo 0 >$table/status
wrong off "binfmt_misc: binfmt_misc is switched off as a whole.*echo 1 > $table/status"
echo 1 >$table/status

apt-get -qq install --no-install-recommends qemu-user-static docker.io >/dev/null
register() { sh "$targets/setup_emulators/files/foreign.sh" "$@"; }
register qemu-arm /usr/bin/qemu-arm-gone PO
wrong gone 'emulator of linux/arm/v7: interpreter missing.*Install the emulator'
register qemu-arm /usr/libexec/qemu-binfmt/arm-binfmt-P PO
wrong unfixed 'entry of linux/arm/v7: not fixed.*with flag F'
register qemu-arm /usr/libexec/qemu-binfmt/arm-binfmt-P POF
echo 0 >$table/qemu-arm
wrong disabled 'entry of linux/arm/v7: The entry qemu-arm is disabled. Register it again'
echo 1 >$table/qemu-arm
register local-arm /usr/bin/qemu-arm-static P
wrong shadowed 'entry of linux/arm/v7: The entry local-arm, registered later, takes the programs from the entry qemu-arm.*Remove the later'
echo -1 >$table/local-arm
wrong passing 'boot of linux/arm/v7: Nothing on this host registers entries at boot: neither systemd nor OpenRC runs. Put that right' \
    'holds  execution linux/arm/v7'

# Enough for it to be taken for systemd's, whose configuration the emulators' package brings.
mkdir -p /run/systemd/system
wrong stopped "engine: No Docker Engine answers at $DOCKER_HOST.*Start it" 'holds  boot linux/arm/v7  *systemd registers: qemu-arm'

mkdir -p /tmp/doctor/image/bin
engine() { sh "$targets/setup_engine/files/engine.sh" "$1" /tmp/doctor; }
engine start
image() { # PLATFORM OF: recorded as one for that platform, its shell is a program of that other
    PYTHONPATH=${collection%/ansible_collections/*} python - "$@" <<'PYTHON'
import pathlib, sys
from ansible_collections.trusted.crossbuild.plugins.module_utils import _platform, _probe_programs, _saved_image
recorded, of = map(_platform.parse, sys.argv[1:])
directory = pathlib.Path("/tmp/doctor")
shell = directory / "image/bin/sh"
shell.write_bytes(_probe_programs.probe_program(of.arch))
shell.chmod(0o755)
_saved_image.write(str(directory / "image"), recorded, str(directory / "image.tar"), {}, "doctor", lambda _: "doctor/image:latest")
PYTHON
    docker load --quiet --input /tmp/doctor/image.tar
}
wrong imageless 'image: doctor/image is not on the engine. Build it' 'holds  container linux/arm/v7'
image amd64 armhf
wrong labelled 'image: doctor/image is recorded as linux/amd64, and asked for was linux/arm/v7. Build or pull'
image armhf amd64
wrong foreign 'image: doctor/image is recorded as linux/arm/v7, and its program /bin/sh is for amd64. Look at its base image'
image armhf armhf
before=$(state)
ask well 0 --limit here -e doctor_image=doctor/image -vvv
said well 'Everything that was looked at holds' '1 host: 1 well, 0 not' '^here .*changed=0 .*failed=0' 'holds  *image'
[ "$(grep --count 'Using module file' "$log/well")" = 1 ] || stop "a host that is well took more than one module"
ask check 0 --limit here -e doctor_image=doctor/image --check
[ "$(state)" = "$before" ] || stop "something was changed"

engine stop
rm -r /run/systemd
echo -1 >$table/qemu-arm
rm -r /tmp/doctor
