#!/usr/bin/env bash
# What a person at the controller sees of a build, and what becomes of it when the connection or the controller goes.
set -euxo pipefail

jobs=/var/tmp/crossbuild-jobs
mkdir -p "$jobs" /var/tmp/crossbuild-tmp
chmod 1777 /var/tmp/crossbuild-tmp
export ANSIBLE_ROLES_PATH=.. ANSIBLE_FORCE_COLOR=false ANSIBLE_NOCOLOR=true
# ansible-test runs this in a copy of the targets below tests/output.
export ANSIBLE_ACTION_PLUGINS=${PWD%/tests/output/*}/playbooks/action_plugins

# play ARGUMENTS...: standard output in the file out, standard error in err
play() { ansible-playbook -i inventory.yml "$@" >out 2>err || { cat out err; return 1; }; cat out err; }
build() { play build.yml -e "on=$1" -e "text=$2" "${@:3}"; }
seen() { grep -E -- "$1" err; }
unseen() { if grep -E -- "$1" out err; then echo "that should not have been printed" >&2; return 1; fi; }
fails() { if "$@"; then echo "that should have failed" >&2; return 1; fi; }
until_seen() { for _ in $(seq 300); do if grep -qE -- "$1" "$2"; then return; fi; sleep 0.1; done; cat "$2"; return 1; }
nothing_left() {
    local left
    left=$(find "$jobs" /var/tmp/crossbuild-tmp /tmp -mindepth 1 -maxdepth 1 \
        \( -path '/tmp/*' ! -name 'ansible_trusted.crossbuild*_payload_*' -prune -o -print \))
    [ -z "$left" ]
}

start_sshd() { /usr/sbin/sshd -p 2222 -o PidFile=/run/crossbuild-sshd.pid; }
# The server and the sessions that it serves, each by its own number.
cut_sshd() {
    local server session
    server=$(cat /run/crossbuild-sshd.pid)
    session=$(pgrep -P "$server" || true)
    kill "$server"
    for pid in $session $(for one in $session; do pgrep -P "$one" || true; done); do kill -KILL "$pid" || true; done
}
clean_up() {
    if [ -e /run/crossbuild-sshd.pid ]; then cut_sshd; fi
    if mountpoint -q /run/crossbuild-small; then umount /run/crossbuild-small; fi
    rm -rf "$jobs" /var/tmp/crossbuild-tmp /run/crossbuild-small /var/tmp/crossbuild-context
}

ansible-playbook -i inventory.yml setup.yml
trap clean_up EXIT
rm -rf /tmp/ansible_trusted.crossbuild*_payload_*
start_sshd

: A step is announced, is said to go on, and ends, with its seconds. Standard output is the callback alone.
build near1 first -e seconds=13
seen '^near1 linux/arm/v7 \[1/3\] FROM armbuild/busybox \.\.\. [0-9.]+ s$'
seen '^near1 linux/arm/v7 \[3/3\] RUN sleep 13 && \.\.\.$'
seen '^near1 linux/arm/v7 still running: step 3/3, 1[0-9] s$'
seen '^near1 linux/arm/v7 \[3/3\] RUN sleep 13 && \.\.\. 1[0-9]\.[0-9] s$'
unseen 'said by the step|\[4/3\]|LABEL'
if grep 'linux/arm/v7' out; then exit 1; fi
grep -E 'changed=1' out
nothing_left

: Nothing to do, nothing to say
build near1 first -e seconds=13
unseen 'linux/arm/v7'
grep -E 'changed=0' out

: An answer is given again by no module, until a byte of an old file changes, the image is another one, or a file is new
context=/var/tmp/crossbuild-context
mkdir -p $context/below
printf 'FROM scratch\nCOPY . /\n' >$context/Dockerfile
echo content >$context/below/file
echo '**/*.log' >$context/.dockerignore
echo left out >$context/below/noise.log
# ask HOST CHANGED MODULES
ask() {
    ansible -i inventory.yml "$1" -vvv -m trusted.crossbuild.docker_image \
        -a "{\"name\": \"test/asked-$1\", \"path\": \"$context\"}" >out 2>err || { cat out err; return 1; }
    if ! grep "\"changed\": $2" out || [ "$(grep -c 'Using module file .*docker_image' out)" != "$3" ]; then cat out; return 1; fi
}
for host in near1 far1; do
    sleep 3 # what is younger is not remembered
    ask $host true 2
    ask $host false 1
    ask $host false 0
    echo more >>$context/below/noise.log
    ask $host false 0
    touch -r $context/below/file /var/tmp/crossbuild-tmp/times
    printf '%-7s\n' $host >$context/below/file
    touch -r /var/tmp/crossbuild-tmp/times $context/below/file
    ask $host true 2
    sleep 3
    ask $host false 1
    ask $host false 0
    docker tag armbuild/busybox test/asked-$host
    ask $host true 2
    ask $host false 1
    ask $host false 0
    touch $context/new-$host
    ask $host true 2
    docker image rm test/asked-$host
done
rm -r $context /var/tmp/crossbuild-tmp/times
nothing_left

: With -v there is the output of the steps
build near1 loud -v
seen '^near1 linux/arm/v7 \[2/3\] RUN true \.\.\. cached$'
seen '^near1 linux/arm/v7 \[3/3\] \| said by the step loud near1$'

: So there is of a build that takes no time, and nothing of how it is followed
build near1 quick -vvv -e seconds=0
seen '^near1 linux/arm/v7 \[3/3\] \| said by the step quick near1$'
grep '"module_args"' out
unseen '"_progress"|crossbuild_job"'

: Not of a task that is secret, however loud
build near1 hidden -v -e secret=true
unseen 'linux/arm/v7|said by the step'
grep -E 'changed=1' out
nothing_left

: "What the engine has done before is counted"
build near1 second
seen '^near1 linux/arm/v7 1 of 3 steps cached$'
unseen 'RUN true|said by the step'

: JSON stays JSON
ansible -i inventory.yml near1 -m trusted.crossbuild.docker_image -a '{"name": "test/progress-adhoc", "dockerfile_inline":
    "FROM armbuild/busybox\nRUN sleep 2; echo ad hoc"}' >out 2>err
seen '^near1 linux/arm/v7 \[2/2\] RUN sleep 2; echo ad hoc \.\.\. [0-9.]+ s$'
sed '1s/.*=> {/{/' out | python3 -c 'import json, sys; assert json.load(sys.stdin)["changed"]'
ANSIBLE_STDOUT_CALLBACK=oneline build near1 oneline
seen '^near1 linux/arm/v7 \[3/3\] RUN sleep 3'
[ "$(grep -c . out)" = 1 ]

: The diff of a module, and what would change
build near1 first -e seconds=1 --diff
grep '^+image: built$' out
grep -E 'changed=1' out
build near1 second -e seconds=1 --diff --check
grep '^+image: built$' out
unseen 'linux/arm/v7 \['

: Several hosts, in both strategies
for strategy in linear free; do
    build near "$strategy" -e "build_strategy=$strategy"
    for host in near1 near2 near3; do seen "^$host linux/arm/v7 \[3/3\] RUN sleep 3 && \.\.\. [0-9.]+ s\$"; done
    [ "$(grep -c changed=1 out)" = 3 ]
    [ "$(grep -c '^near. linux' err)" -le 15 ]
done

: Check mode, async, another host, a loop, a failure, defaults for groups
play kinds.yml
unseen 'echo (in check mode|with async|not waited for)'
seen '^near1 -> near2 linux/arm/v7 \[2/2\] RUN sleep 2; echo for another \.\.\. [0-9.]+ s$'
seen 'echo in a loop, first \.\.\. [0-9.]+ s$'
seen 'echo in a loop, second \.\.\. [0-9.]+ s$'
seen 'echo and fails; exit 3 \.\.\. failed after [0-9.]+ s$'
nothing_left

: The two-part name, in a playbook that is not below a collection
own=$(mktemp -d)
sed 's/trusted\.crossbuild\.docker_image/crossbuild.docker_image/' build.yml >"$own/build.yml"
(unset ANSIBLE_PLAYBOOK_DIR && play "$own/build.yml" -e on=near1 -e text=two-part)
rm -r "$own"
seen '^near1 linux/arm/v7 \[3/3\] RUN sleep 3 && \.\.\. [0-9.]+ s$'
nothing_left

: Where there can be no job, it is built nevertheless
build near1 plain -e ansible_async_dir=/proc/nowhere
unseen 'linux/arm/v7'
grep -E 'changed=1' out

: A build that hangs is ended at its time, with its container and the process that waits for it
fails build near1 hang -e seconds=1000 -e limit=6
seen '^near1 linux/arm/v7 \[3/3\] RUN sleep 1000 && \.\.\. failed after [3-9]\.[0-9] s$'
grep -F 'The build was ended after 6 seconds (timeout), at step 3 of 3, line 3: RUN sleep 1000' out
for _ in $(seq 100); do if ! pgrep -f 'sleep 1000'; then break; fi; sleep 0.1; done
fails pgrep -f 'sleep 1000'
[ -z "$(docker container ls --all --quiet)" ]
nothing_left

: A disk that is full afterwards does not take the answer away
mkdir /run/crossbuild-small
mount -t tmpfs -o size=200k small /run/crossbuild-small
build near1 full -e seconds=6 -e ansible_async_dir=/run/crossbuild-small &
until_seen 'RUN sleep 6 && \.\.\.$' err
fails dd if=/dev/zero of=/run/crossbuild-small/full bs=4k
wait $!
grep -E 'changed=1' out
umount /run/crossbuild-small
rmdir /run/crossbuild-small

: The connection is cut and the host is away for a while
build far1 cut -e seconds=12 &
until_seen 'RUN sleep 12 && \.\.\.$' err
cut_sshd
until_seen '^far1 the connection is lost' err
start_sshd
wait $!
seen '^far1 linux/arm/v7 \[3/3\] RUN sleep 12 && \.\.\. 1[0-9]\.[0-9] s$'
grep -E 'changed=1 +unreachable=0' out
nothing_left

: The controller dies. The build goes on, the next run waits for its image, and the job is cleaned up a day later.
setsid ansible-playbook -i inventory.yml build.yml -e on=far1 -e text=orphan -e seconds=30 >out 2>err &
until_seen 'RUN sleep 30 && \.\.\.$' err
# Its workers are in sessions of their own.
mapfile -t workers < <(pgrep -P "$!")
kill -KILL "$!" "${workers[@]}"
job=$(echo "$jobs"/crossbuild-*)
build far1 orphan -e seconds=30
seen '^far1 still running: waiting for the task that builds test/progress-far1:latest, [12][0-9] s$'
unseen 'linux/arm/v7 \['
grep -E 'ok=1 +changed=0' out
# It lets the next one go on a moment before it is done itself.
for _ in $(seq 100); do if [ -e "$job/done" ]; then break; fi; sleep 0.1; done
[ -e "$job/done" ]
touch -d '2 days ago' "$job"
build far1 later -e seconds=0
unseen 'still running'
rm -rf /var/tmp/crossbuild-tmp/*  # those of the killed controller
nothing_left

: Only the process on the host dies, which is said
build near1 killed -e seconds=30 &
until_seen 'RUN sleep 30 && \.\.\.$' err
read -r pid _ <"$(echo "$jobs"/crossbuild-*/running)"
kill -KILL "$pid"
fails wait $!
grep 'ended without an answer' out
