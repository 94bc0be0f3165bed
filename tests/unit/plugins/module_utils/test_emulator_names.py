# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._emulator_names import choose, installed_sets
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import architectures, parse, parse_list

ARM = architectures(parse_list(["armhf"]))
MANY = architectures(parse_list(["armhf", "arm64", "riscv64", "mipsel", "mips64el"]))

REFERENCE = json.loads((pathlib.Path(__file__).parent / "data/architectures.json").read_text())

# What each distribution offers, by real packages.
DEBIAN_12 = {"qemu-user-static": ["7.2"], "qemu-user": ["7.2"], "qemu-user-binfmt": ["7.2"]}
WITH_BACKPORTS = {"qemu-user-static": ["7.2"], "qemu-user": ["7.2", "10.0.2"], "qemu-user-binfmt": ["7.2", "10.0.2"]}
DEBIAN_13 = {"qemu-user": ["10.0.13"], "qemu-user-binfmt": ["10.0.13"]}
FEDORA = {f"qemu-user-static-{name}": ["2:10.1"] for name in ("arm", "aarch64", "riscv", "mips", "ppc")}
ARCH = {"qemu-user-static": ["10.1-1"], "qemu-user-static-binfmt": ["10.1-1"]}
ALPINE = {"qemu-arm": ["10.0"], "qemu-aarch64": ["10.0"], "qemu-openrc": ["10.0"]}


@pytest.mark.parametrize(
    ("manager", "offered", "wanted", "chosen"),
    [
        ("apt-get", DEBIAN_12, "", {"qemu-user-static": "7.2"}),
        ("apt-get", WITH_BACKPORTS, "", {"qemu-user-static": "7.2"}),
        ("apt-get", WITH_BACKPORTS, "10.0", {"qemu-user": "10.0.2", "qemu-user-binfmt": "10.0.2"}),
        ("apt-get", WITH_BACKPORTS, "9", None),
        ("apt-get", DEBIAN_13, "", {"qemu-user": "10.0.13", "qemu-user-binfmt": "10.0.13"}),
        ("apt-get", {"qemu-user": ["10.0"]}, "", None),
        ("dnf", {"qemu-user-static": ["2:8.1"]}, "", {"qemu-user-static": "2:8.1"}),
        ("dnf", {"qemu-user-static": ["2:8.1"], **FEDORA}, "", {"qemu-user-static-arm": "2:10.1"}),
        ("dnf", {}, "", None),
        ("zypper", {"qemu-linux-user": ["10.1"]}, "", {"qemu-linux-user": "10.1"}),
        ("pacman", ARCH, "10.1", {"qemu-user-static": "10.1-1", "qemu-user-static-binfmt": "10.1-1"}),
        ("apk", ALPINE, "", {"qemu-arm": "10.0", "qemu-openrc": "10.0"}),
    ],
)
def test_what_to_install(manager, offered, wanted, chosen):
    assert choose(manager, ARM, lambda name: offered.get(name, []), wanted) == chosen


@pytest.mark.parametrize("name", REFERENCE)
def test_fedora_has_a_package_for_each(name):
    offered = {REFERENCE[name]["fedora"]: "2:10.1"}
    assert (
        choose("dnf", [parse(name).arch], lambda package: [offered[package]] if package in offered else [], "")
        == offered
    )


def test_architectures_share_packages_on_fedora():
    chosen = choose("dnf", MANY, lambda name: FEDORA.get(name, []), "")
    assert list(chosen) == [f"qemu-user-static-{name}" for name in ("arm", "aarch64", "riscv", "mips")]


def test_what_is_installed():
    both = {"qemu-user-static": "1:10.0.2", "qemu-user": "1:10.0.2", "qemu-user-binfmt": "1:10.0.2"}
    assert len(installed_sets("apt-get", ARM, both, "10.0")) == 2
    assert installed_sets("apt-get", ARM, both, "7.2") == []
    assert installed_sets("apt-get", ARM, {"qemu-user": "1:10.0.2"}, "") == []
