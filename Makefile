# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# make site      turn the hosts of INVENTORY (this host) into builders
# make verify    prove by execution what they can build
# make teardown  take away what site added
# make test      every check; each also runs by its own name, see CHECKS, and takes ARGS, as in
#                make unit ARGS='-k elf'
# make test-fast what to run after every change: linters, types and all unit tests, in less than half a minute, without root
# make integration ARGS=origin  some targets of the integration tests; without ARGS all of them
# make test-hosts  the life of hosts of three releases, in containers with systemd: minutes, and not part of make test
# make test-fleet  the life of FLEET hosts (20) with the playbooks, over ssh: minutes, and not part of make test
# make test-vm   the life of a host, in a virtual machine with a kernel of its own: minutes, and not part of make test
# make test-accelerator  real projects built natively, emulated and accelerated: a quarter of an hour, and not part of make test;
#                ARGS='lua zlib' only some of them
# make test-long the last four, two at a time
# make bench     all measurements, into bench/RESULTS.md; or one of them:
# make bench-emulation  the role emulation beside one of stock modules
# make bench-images     docker_image beside docker build, docker buildx build and community.docker
# make bench-farm       build.yml on four hosts, on one, and a playbook by which each host builds all
# make bench-exec       an emulator with the dispatcher beside the one it is made of
# make bench-accelerator  real projects built natively, emulated and accelerated
# make bench-fleet      site.yml beside a playbook of stock modules, on up to FLEET hosts by ssh
# make docs      the documentation site, in build/docs/html
# make picture   the README's picture, drawn from what make site says on a fresh copy of this machine
# make clean     leave the checkout as it was cloned

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
INVENTORY ?= playbooks/inventory/localhost.yml
ARGS ?=
FLEET ?= 20

COLLECTIONS := $(CURDIR)/.cache/collections
LINK := $(COLLECTIONS)/ansible_collections/trusted/crossbuild
# This collection, from this checkout, and no other.
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export ANSIBLE_COLLECTIONS_SCAN_SYS_PATH := false
export ANSIBLE_NOCOWS := true
export ANSIBLE_LOCALHOST_WARNING := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

## The product

.PHONY: site verify teardown
site verify teardown: inventory .venv/ready $(LINK)
	.venv/bin/ansible-playbook -i $(INVENTORY) $(ARGS) playbooks/$@.yml

# ansible-playbook would say of a file that is missing that no hosts matched, and succeed.
.PHONY: inventory
inventory:
	@case '$(INVENTORY)' in *,*) ;; *) test -e '$(INVENTORY)' || { \
	    echo "INVENTORY=$(INVENTORY) is no file or directory: name one, or hosts with a comma, as in: make site INVENTORY=host1," >&2; \
	    exit 1; } ;; esac

.venv/ready: requirements.txt
	$(require_python)
	$(call virtual_environment,--requirement requirements.txt,$(PYTHON))

$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../../.. $@

## The checks

# Long ones first: two run at a time.
CHECKS := integration-images integration-emulation integration-engines examples sanity sanity-2.18 sanity-2.21 acceptance molecule \
    unit-matrix galaxy dockerignore probe docs lint galaxy-importer unit
LINTERS := ruff mypy ansible-lint changelog reuse
FAST := unit mypy ruff changelog reuse
# The oldest and the newest ansible-core, beside that of requirements.txt.
CORES := 2.18 2.21
LONG := test-accelerator test-vm test-fleet test-hosts bench-emulation bench-images bench-farm bench-exec bench-fleet bench-accelerator
TEST := .cache/venv/bin

.PHONY: test test-fast integration bench $(CHECKS) $(LINTERS) $(LONG)
test: .cache/venv/ready $(LINK)
	$(TEST)/python tests/checks.py $(CHECKS)

.PHONY: test-long
test-long: .cache/venv/ready $(LINK)
	$(TEST)/python tests/checks.py $(filter test-%,$(LONG))

# Many unit tests wait for something, so that they take less time side by side.
test-fast: export PYTEST_ADDOPTS := --numprocesses=auto
test-fast: .cache/venv/ready $(LINK)
	$(TEST)/python tests/checks.py $(FAST)

integration $(CHECKS) $(LINTERS) $(LONG): .cache/venv/ready $(LINK)

# The tools find ansible-playbook and the like on PATH, and write to the checkout what else they would to the home.
integration $(CHECKS) $(LINTERS) $(LONG): export PATH := $(CURDIR)/$(TEST):$(PATH)
integration $(CHECKS) $(LINTERS) $(LONG): export ANSIBLE_HOME := $(CURDIR)/.cache/ansible

lint: $(LINTERS)
ruff:
	ruff check .
	ruff format --check .
mypy:
	# A cache from before a file was added makes mypy deny that it is there.
	cd $(COLLECTIONS) && mypy --cache-dir=/dev/null --config-file $(CURDIR)/pyproject.toml \
	    $(addprefix -p ansible_collections.trusted.crossbuild.plugins.,module_utils plugin_utils action filter)
	cd tests/lab && mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/steps && mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/vm && MYPYPATH=../lab:../steps mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/accelerator && MYPYPATH=../lab:../../bench:../integration/targets/setup_engine/files mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/examples && MYPYPATH=../lab mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/hosts && MYPYPATH=../lab:../steps mypy --config-file $(CURDIR)/pyproject.toml *.py
ansible-lint:
	ansible-lint
changelog:
	antsibull-changelog lint
reuse:
	reuse lint --lines

unit:
	pytest $(ARGS)

# With every ansible-core and Python, as far as this machine has them.
unit-matrix: $(CORES:%=.cache/core-%/ready)
	for version in $$(python tests/releases.py pythons); do $(MAKE) --no-print-directory .cache/python-$$version/ready; done
	python tests/unit_matrix.py $(ARGS)

sanity:
	python tests/ansible_test.py sanity $(ARGS)
$(CORES:%=sanity-%): sanity-%: .cache/core-%/ready
	PATH=$(CURDIR)/$(<D)/bin:$$PATH python tests/ansible_test.py sanity $(ARGS)

integration:
	tests/lab/lab -- python tests/ansible_test.py integration $(ARGS)
# Side by side, each part in a laboratory of its own; which part a target belongs to is said in its aliases.
integration-images integration-emulation integration-engines:
	tests/lab/lab -- python tests/ansible_test.py integration checks/$(@:integration-%=%)/

# These make a user namespace with a binfmt_misc table for each test, and need only the emulators, and an ARM program.
probe: .cache/qemu/usr/bin .cache/guest/busybox
	CROSSBUILD_QEMU_DIR=$(CURDIR)/$< CROSSBUILD_ARMHF_BUSYBOX=$(CURDIR)/.cache/guest/busybox \
	    pytest tests/integration/probe tests/integration/dispatcher $(ARGS)

.cache/guest/busybox: | $(LINK)
	rm -rf .cache/guest
	tests/lab/lab --keep .cache/guest -- bash -euo pipefail -c \
	    'ansible localhost --module-name trusted.crossbuild.foreign_package \
	    --args "name=busybox-static platform=armhf dest=/var/tmp/busybox"; cp /var/tmp/busybox/bin/busybox .cache/guest/new; \
	    mv .cache/guest/new .cache/guest/busybox'

.cache/qemu/usr/bin:
	rm -rf .cache/qemu
	tests/lab/lab --keep .cache/qemu -- bash -euo pipefail -c \
	    'apt-get -qq update; (cd /var/tmp && apt-get -qq download qemu-user-static); \
	    dpkg-deb --extract /var/tmp/qemu-user-static_*.deb .cache/qemu/new; mv .cache/qemu/new/usr .cache/qemu'

# The newest client that is packaged, with the distribution's engine. CROSSBUILD_SEED makes it ask other questions.
dockerignore: .cache/buildx/usr
	tests/lab/lab -- tests/integration/dockerignore/run.sh $(CURDIR)/.cache/buildx $(ARGS)

.cache/buildx/usr:
	rm -rf .cache/buildx
	tests/lab/lab --keep .cache/buildx -- bash -euo pipefail -c \
	    'apt-get -qq update; tests/integration/dockerignore/fetch_buildx.sh .cache/buildx/new; mv .cache/buildx/new/usr .cache/buildx'

acceptance:
	tests/lab/lab -- tests/acceptance.sh

examples:
	tests/lab/lab --keep .cache/hosts -- tests/examples/examples $(ARGS)

test-hosts:
	tests/lab/lab --keep .cache/hosts -- tests/hosts/hosts -- python tests/hosts/scenario.py

test-fleet:
	tests/lab/lab --keep .cache/hosts -- tests/hosts/hosts --fleet $(FLEET) -- python tests/hosts/fleet_scenario.py

test-vm:
	tests/lab/lab --keep .cache/vm -- tests/vm/vm -- python tests/vm/scenario.py

test-accelerator:
	tests/lab/lab --keep .cache/accelerator -- python tests/accelerator/projects.py $(ARGS)

bench: bench-emulation bench-images bench-farm bench-exec bench-fleet bench-accelerator
bench-emulation:
	tests/lab/lab --keep bench -- python bench/emulation.py
bench-images: .cache/peers/ready
	tests/lab/lab --keep bench -- python bench/images.py $(CURDIR)/.cache/peers
bench-farm: .cache/peers/ready
	tests/lab/lab --keep bench -- python bench/farm.py $(CURDIR)/.cache/peers
bench-exec: .cache/qemu/usr/bin .cache/guest/busybox
	tests/lab/lab --keep bench -- env PYTHONPATH=$(COLLECTIONS) python bench/exec.py \
	    $(CURDIR)/.cache/qemu/usr/bin $(CURDIR)/.cache/guest/busybox

bench-fleet:
	tests/lab/lab --keep bench --keep .cache/hosts -- tests/hosts/hosts \
	    $$(seq --format='--host=host%02g=bookworm' $(FLEET)) -- python bench/fleet.py

bench-accelerator:
	tests/lab/lab --keep bench --keep .cache/accelerator -- python bench/accelerator.py

# Of the distribution named ansible only its collections, to be compared with.
.cache/peers/ready: bench/requirements.txt
	rm -rf .cache/peers
	python3 -m pip --quiet install --no-deps --target .cache/peers --requirement bench/requirements.txt
	touch $@

# What the scenario fleet does, and more, test-fleet does with more hosts.
molecule:
	for scenario in default docker_engine emulation; do molecule test --scenario-name $$scenario; done

# With each ansible-core: the artifact, what it says of itself, and plays.
galaxy: $(CORES:%=.cache/core-%/ready)
	for programs in $(CORES:%=.cache/core-%/bin) $(TEST); do \
	    PATH=$(CURDIR)/$$programs:$$PATH tests/lab/lab -- tests/galaxy.sh; done

# The reference is made of the modules, filters and roles; guides and pages are what docs/ has. A warning is a failure.
docs: .cache/docs-venv/ready
docs: export PATH := $(CURDIR)/.cache/docs-venv/bin:$(CURDIR)/$(TEST):$(PATH)
# antsibull-docs writes to no directory that others may write to.
docs:
	antsibull-docs lint-collection-docs --plugin-docs --check-extra-docs-refs .
	rm -rf build/docs
	install -d -m 755 build/docs/rst
	cp docs/*.md docs/site/index.rst build/docs/rst
	antsibull-docs collection --use-current --fail-on-error --no-indexes --dest-dir build/docs/rst trusted.crossbuild
	sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs/site --doctree-dir build/docs/doctrees \
	    build/docs/rst build/docs/html

.cache/docs-venv/ready: docs/site/requirements.txt
	$(require_python)
	$(call virtual_environment,--requirement $<,$(PYTHON))

galaxy-importer: .cache/importer/ready
	PATH=$(CURDIR)/$(<D)/bin:$$PATH tests/galaxy_importer.sh

.cache/venv/ready: requirements.txt requirements-test.txt tests/unit/requirements.txt
	$(require_python)
	$(call virtual_environment,--requirement requirements-test.txt,$(PYTHON))

# What its makers' import of a collection consists of; it pins tools which the checks have newer.
.cache/importer/ready: tests/requirements-galaxy-importer.txt
	$(require_python)
	$(call virtual_environment,--requirement $<,$(PYTHON))

# A controller, and nothing else: what meta/execution-environment.yml says that it needs.
.cache/core-%/ready: tests/releases.py | .cache/venv/ready
	$(call virtual_environment,'ansible-core~=$*.0',$$($(TEST)/python tests/releases.py core $*))

.cache/python-%/ready: tests/unit/requirements.txt | .cache/venv/ready
	$(call virtual_environment,--requirement $<,$$($(TEST)/python tests/releases.py python $*))

.PHONY: picture
picture: .cache/picture/ready
	tests/lab/lab --keep docs/images -- .cache/picture/bin/python tests/picture/picture.py docs/images/site.svg

.cache/picture/ready: tests/picture/requirements.txt
	$(require_python)
	$(call virtual_environment,--requirement $<,$(PYTHON))

.PHONY: clean
clean:
	rm -rf .venv .cache build tests/output .mypy_cache .ruff_cache .pytest_cache .hypothesis *.tar.gz
	find . -name __pycache__ -prune -exec rm -rf {} +

## Virtual environments: remade when their requirements change, else ready at once

define require_python
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
    echo "$(PYTHON) is missing or not Python 3.11 to 3.13: install one, or name one, as in: make PYTHON=python3.12" >&2; exit 1; }
endef

# In the target's directory: arguments of pip, and the Python. One that could not be finished is taken away again.
define virtual_environment
@rm -rf $(@D)
@python=$(2); $$python -m venv $(@D) >/dev/null || { rm -rf $(@D); \
    echo "$$python cannot make virtual environments: install its venv module, on Debian the package python3-venv" >&2; exit 1; }
@echo 'Preparing $(@D)'
@$(@D)/bin/pip install --quiet --quiet $(1) || { rm -rf $(@D); \
    echo "pip could not install what $(@D) needs ($(1)): see to its package source and the network, and run make again" >&2; exit 1; }
@touch $@
endef
