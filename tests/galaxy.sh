#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Build the artifact, install it elsewhere, take away all that must not be needed at run time, and use the rest: with the
# ansible-core whose programs are first on PATH. In the laboratory, since modules run as root.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
artifact=$work/artifact
collection=$work/ansible_collections/trusted/crossbuild
export ANSIBLE_COLLECTIONS_PATH=$work

python tests/checkout.py "$work/clone"
ansible-galaxy collection build --output-path "$artifact" "$work/clone"
ansible-galaxy collection install --no-deps --collections-path "$work" "$artifact"/trusted-crossbuild-*.tar.gz
find "$collection" -mindepth 1 -maxdepth 1 ! -name MANIFEST.json ! -name FILES.json \
    ! -name meta ! -name plugins ! -name roles ! -name playbooks -exec rm -rf {} +

checkout=$PWD
cd "$work" # so that nothing is found by way of the checkout
ansible --version | sed --quiet 1p # reads all of it, unlike head, which the writer may then find gone
count=0
document() { # TYPE NAME...
    local type=$1 name
    shift
    ansible-doc --type "$type" "${@/#/trusted.crossbuild.}" >document.txt
    for name in "$@"; do
        grep --quiet "trusted.crossbuild.$name" document.txt || { echo "ansible-doc --type $type says nothing about $name" >&2; exit 1; }
        count=$((count + 1))
    done
}
for directory in "$collection"/plugins/*/; do
    type=$(basename "$directory")
    ending=.py
    case $type in
        modules) type=module ;;
        filter) ending=.yml ;; # a file has several filters, each with a page of its own
        module_utils | doc_fragments | action | plugin_utils) continue ;; # documented elsewhere, or not at all
    esac
    names=("$directory"[!_]*"$ending")
    names=("${names[@]##*/}")
    document "$type" "${names[@]%"$ending"}"
done
roles=("$collection"/roles/*/meta) # what has none is no role yet, as it has no tasks
roles=("${roles[@]%/meta}")
document role "${roles[@]##*/}"
for file in "$collection"/playbooks/*.yml; do
    ansible-playbook --syntax-check --inventory "$collection/playbooks/inventory/localhost.yml" \
        "trusted.crossbuild.$(basename "$file" .yml)"
    count=$((count + 1))
done
pytest --quiet -rP --config-file=/dev/null -p no:cacheprovider "$checkout/tests/integration/controller"
echo "$count parts of the installed artifact checked"
