# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What package managers print, as far as it is read without one."""

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _apk, _apt, _rpm
from ansible_collections.trusted.crossbuild.plugins.module_utils._package_tool import PackageManager

POLICY = """\
qemu-user-static:
  Installed: 1:7.2+dfsg-7+deb12u15
  Candidate: 1:7.2+dfsg-7+deb12u18+b3
  Version table:
     1:10.0.2+ds-2 100
        100 file:/mirror bookworm-backports/main amd64 Packages
     1:7.2+dfsg-7+deb12u18+b3 500
        500 file:/mirror bookworm/main amd64 Packages
 *** 1:7.2+dfsg-7+deb12u15 500
        100 /var/lib/dpkg/status
"""


def test_apt_policy():
    candidate, table = _apt.parse_policy(POLICY)
    assert candidate == "1:7.2+dfsg-7+deb12u18+b3"
    assert table == {"1:10.0.2+ds-2": 100, "1:7.2+dfsg-7+deb12u18+b3": 500, "1:7.2+dfsg-7+deb12u15": 500}


@pytest.mark.parametrize(
    "policy", ["", "qemu-user-static:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"]
)
def test_apt_policy_of_nothing(policy):
    assert _apt.parse_policy(policy) == (None, {})


def test_zypper_search():
    xml = """<?xml version='1.0'?>
<stream><search-result version="0.0"><solvable-list>
<solvable status="installed" name="a" kind="package" edition="2-1" arch="x86_64" repository="main"/>
<solvable status="other-version" name="a" kind="package" edition="1-1" arch="x86_64" repository="main"/>
<solvable status="installed" name="a" kind="package" edition="0-1" arch="x86_64" repository="(System Packages)"/>
<solvable status="not-installed" name="a" kind="srcpackage" edition="3-1" arch="noarch" repository="main"/>
<solvable status="not-installed" name="ab" kind="package" edition="4-1" arch="x86_64" repository="main"/>
</solvable-list></search-result></stream>"""
    assert _rpm.parse_solvables(xml, "a") == ["2-1", "1-1"]
    assert _rpm.parse_solvables("", "a") == []


@pytest.mark.parametrize(
    ("package", "name", "version"),
    [
        ("qemu-openrc-10.0.3-r1", "qemu-openrc", "10.0.3-r1"),
        ("qemu-x86_64-9.2_git20250101-r0", "qemu-x86_64", "9.2_git20250101-r0"),
        ("qemu-arm", "qemu-arm", ""),
    ],
)
def test_apk_names(package, name, version):
    assert _apk.split_name(package) == (name, version)


def test_apk_policy():
    policy = "qemu-arm policy:\n  9.2.2-r0:\n    lib/apk/db/installed\n  10.0.3-r1:\n    /mirror/v3.22/community\n"
    assert _apk.parse_policy(policy) == ["10.0.3-r1"]
    assert _apk.parse_policy("") == []


class Needed(PackageManager):
    """A manager with nothing behind it: which packages need which others is all that counts here."""

    def __init__(self, needs: dict[str, list[set[str]]]) -> None:
        super().__init__()
        self.needs = needs
        self.purged: list[str] = []

    def _dependents(self, names: set[str]) -> set[str]:
        """A package needs one of each of its sets."""
        return {name for name, sets in self.needs.items() if name not in names and any(one <= names for one in sets)}

    def _purge(self, names: list[str]) -> None:
        self.purged = names

    installed = offers = update = install = _lock_holders = None


@pytest.mark.parametrize(
    ("needs", "going", "kept"),
    [
        ({}, {"a", "b"}, []),
        ({"other": [{"a"}]}, {"a", "b"}, ["a"]),
        ({"b": [{"a"}]}, {"a", "b"}, []),
        ({"b": [{"a"}], "other": [{"b"}]}, {"a", "b", "c"}, ["a", "b"]),
        ({"other": [{"a", "b"}]}, {"a", "b"}, ["a", "b"]),
    ],
)
def test_what_others_need_stays(needs, going, kept):
    manager = Needed(needs)
    assert manager.remove(going) == kept
    assert manager.purged == sorted(going - set(kept))
