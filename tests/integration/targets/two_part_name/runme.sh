#!/usr/bin/env bash
# The two-part name in a playbook that was not written for this collection, after the one documented step.
set -eux

# Without the step the name is not found.
if ansible-playbook -i ../../inventory playbook.yml --syntax-check; then
    echo "found without the step: this test would show nothing" >&2
    exit 1
fi

ANSIBLE_ACTION_PLUGINS=$PWD/../../../../playbooks/action_plugins
export ANSIBLE_ACTION_PLUGINS
ansible-playbook -i ../../inventory playbook.yml
