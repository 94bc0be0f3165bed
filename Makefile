# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# make site      turn the hosts of INVENTORY (this host) into builders
# make verify    prove by execution what they can build
# make teardown  take away what site added
# make test      every check; each also runs by its own name, see CHECKS, and takes ARGS, as in
#                make unit ARGS='-k elf'
# make integration ARGS=origin  some targets of the integration tests; without ARGS all of them
# make test-hosts  the life of hosts of three releases, in containers with systemd: minutes, and not part of make test
# make test-fleet  the life of FLEET hosts (20) with the playbooks, over ssh: minutes, and not part of make test
# make test-vm   the life of a host, in a virtual machine with a kernel of its own: minutes, and not part of make test
# make test-accelerator  real projects built natively, emulated and accelerated: a quarter of an hour, and not part of make test;
#                ARGS='lua zlib' only some of them
# make bench     all measurements, into bench/RESULTS.md; or one of them:
# make bench-emulation  the role emulation beside one of stock modules
# make bench-images     docker_image beside docker build, docker buildx build and community.docker
# make bench-farm       build.yml on four hosts, on one, and a playbook by which each host builds all
# make bench-exec       an emulator with the dispatcher beside the one it is made of
# make bench-accelerator  real projects built natively, emulated and accelerated
# make bench-fleet      site.yml beside a playbook of stock modules, on up to FLEET hosts by ssh
# make clean     remove what these made in the checkout

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
site verify teardown: .venv/ready $(LINK)
	.venv/bin/ansible-playbook -i $(INVENTORY) $(ARGS) playbooks/$@.yml

.venv/ready: requirements.txt
	$(call virtual_environment,.venv,requirements.txt)

$(LINK):
	mkdir -p $(@D)
	ln -sfn ../../../.. $@

## The checks

# Long ones first: two run at a time.
CHECKS := integration-images integration-emulation integration-engines examples sanity acceptance molecule dockerignore probe lint unit galaxy
LINTERS := ruff mypy ansible-lint changelog
LONG := test-hosts test-fleet test-vm test-accelerator bench-emulation bench-images bench-farm bench-exec bench-fleet bench-accelerator
TEST := .cache/venv/bin

.PHONY: test integration bench $(CHECKS) $(LINTERS) $(LONG)
test: .cache/venv/ready $(LINK)
	$(TEST)/python tests/checks.py $(CHECKS)

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
	cd tests/accelerator && MYPYPATH=../lab:../../bench mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/examples && MYPYPATH=../lab mypy --config-file $(CURDIR)/pyproject.toml *.py
	cd tests/hosts && MYPYPATH=../lab:../steps mypy --config-file $(CURDIR)/pyproject.toml *.py
ansible-lint:
	ansible-lint
changelog:
	antsibull-changelog lint

unit:
	pytest $(ARGS)

sanity:
	python tests/ansible_test.py sanity $(ARGS)

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

galaxy:
	tests/galaxy.sh

.cache/venv/ready: requirements.txt requirements-test.txt
	$(call virtual_environment,.cache/venv,requirements-test.txt)

.PHONY: clean
clean:
	rm -rf .venv .cache build tests/output

## Virtual environments: remade when their requirements change, else ready at once

define virtual_environment
@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
    echo "$(PYTHON) is missing or not Python 3.11 to 3.13: install one, or name one, as in: make PYTHON=python3.12" >&2; exit 1; }
@rm -rf $(1)
@$(PYTHON) -m venv $(1) >/dev/null || { \
    echo "$(PYTHON) cannot make virtual environments: install its venv module, on Debian the package python3-venv" >&2; \
    rm -rf $(1); exit 1; }
@echo 'Preparing $(1)'
@$(1)/bin/pip install --quiet --quiet --requirement $(2)
@touch $@
endef
