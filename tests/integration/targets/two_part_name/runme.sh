#!/usr/bin/env bash
# The two-part name in a playbook that was not written for this collection, after the one documented step.
set -eux

# Somebody's own playbook is not below a collection, where Ansible would look in that one first.
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cp playbook.yml ../../inventory "$directory"
# ansible-test runs this in a copy of the targets below tests/output.
step=${PWD%/tests/output/*}/playbooks/action_plugins
cd "$directory"
unset ANSIBLE_PLAYBOOK_DIR

if output=$(ansible-playbook -i inventory playbook.yml --syntax-check 2>&1); then
    echo "found without the step: this test would show nothing" >&2
    exit 1
fi
grep -i 'could.* resolve .*action .*crossbuild.docker_image' <<<"$output"

ANSIBLE_ACTION_PLUGINS=$step ansible-playbook -i inventory playbook.yml
