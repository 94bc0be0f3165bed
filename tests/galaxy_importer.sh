#!/usr/bin/env bash
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Import the artifact as Galaxy does, but for ansible-test, which needs a container there; `make sanity` runs it.
# What the importer warns of, Galaxy shows to everybody: no warning passes.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python tests/checkout.py "$work/clone"
ansible-galaxy collection build --output-path "$work" "$work/clone"
artifact=$(echo "$work"/trusted-crossbuild-*.tar.gz)

cat >"$work/galaxy-importer.cfg" <<END
[galaxy-importer]
check_required_tags = True
run_ansible_doc = True
run_ansible_lint = True
run_ansible_test = False
run_flake8 = True
tmp_root_dir = $work
ansible_local_tmp = $work/ansible
END
export GALAXY_IMPORTER_CONFIG=$work/galaxy-importer.cfg
(cd "$work" && python -m galaxy_importer.main "$artifact") 2>&1 | tee "$work/said"
# Not of the collection: it gives flake8 the YAML that documents filters; E203 is what PEP 8 wants of a slice with a space
# on both sides, and W503 what it recommends for long conditions.
if grep --extended-regexp 'WARNING|ERROR|CRITICAL' "$work/said" |
    grep --invert-match --extended-regexp '^WARNING: (plugins/filter/\w+\.yml:[0-9:]+ E999|plugins/[^ ]+\.py:[0-9:]+ (E203|W503)) '; then
    echo 'The importer warns, see above.' >&2
    exit 1
fi
grep --quiet 'Importing with galaxy-importer' "$work/said"

# What an execution environment would get installed for the collection is nothing, so that ansible-core alone is enough:
# the environments of `make galaxy` have no more. Whatever comes here belongs there, too.
ansible-galaxy collection install --no-deps --collections-path "$work/collections" "$artifact"
ansible-builder introspect "$work/collections" | tee "$work/needs"
python - "$work/needs" <<END
import sys, yaml
needs = yaml.safe_load(open(sys.argv[1]))
assert needs == {"python": [], "system": []}, needs
END
