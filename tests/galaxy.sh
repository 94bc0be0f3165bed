#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Build the artifact, install it elsewhere, take away all that must not be needed at run time, and use the rest.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
artifact=$work/artifact
collection=$work/ansible_collections/trusted/crossbuild
export ANSIBLE_COLLECTIONS_PATH=$work

# From what a fresh clone has, and not the caches that tools leave in a checkout.
mkdir "$work/clone"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi # git still lists what was only just deleted
done | tar --create --null --files-from - | tar --extract --directory "$work/clone"
ansible-galaxy collection build --output-path "$artifact" "$work/clone"
ansible-galaxy collection install --no-deps --collections-path "$work" "$artifact"/trusted-crossbuild-*.tar.gz
find "$collection" -mindepth 1 -maxdepth 1 ! -name MANIFEST.json ! -name FILES.json \
    ! -name meta ! -name plugins ! -name roles ! -name playbooks -exec rm -rf {} +

cd "$work" # so that nothing is found by way of the checkout
count=0
document() { # TYPE NAME
    ansible-doc --type "$1" "trusted.crossbuild.$2" >document.txt
    grep --quiet "trusted.crossbuild.$2" document.txt || { echo "ansible-doc --type $1 says nothing about $2" >&2; exit 1; }
    count=$((count + 1))
}
for file in "$collection"/plugins/modules/*.py; do
    document module "$(basename "$file" .py)"
done
for directory in "$collection"/plugins/*/; do
    type=$(basename "$directory")
    case $type in
        modules | module_utils | doc_fragments | action | plugin_utils) continue ;; # documented elsewhere, or not at all
    esac
    for file in "$directory"[!_]*.py; do
        document "$type" "$(basename "$file" .py)"
    done
done
for directory in "$collection"/roles/*/meta/; do # what has none is no role yet, as it has no tasks
    document role "$(basename "$(dirname "$directory")")"
done
for file in "$collection"/playbooks/*.yml; do
    ansible-playbook --syntax-check --inventory "$collection/playbooks/inventory/localhost.yml" \
        "trusted.crossbuild.$(basename "$file" .yml)"
    count=$((count + 1))
done
echo "$count parts of the installed artifact checked"
