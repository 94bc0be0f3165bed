# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._qemu_version import (
    QemuVersion,
    matches,
    numbers,
    parse,
    problems,
)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (
            "qemu-arm version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022",
            QemuVersion("7.2.22", "1:7.2+dfsg-7+deb12u18+b3", "qemu-arm"),
        ),
        (
            "qemu-aarch64 version 10.1.0 (qemu-10.1.0-5.fc43)\n",
            QemuVersion("10.1.0", "qemu-10.1.0-5.fc43", "qemu-aarch64"),
        ),
        ("qemu-s390x version 9.2.2\n", QemuVersion("9.2.2", "", "qemu-s390x")),
        ("BusyBox v1.35.0", None),
        ("qemu-arm version ../../etc", None),
    ],
)
def test_what_an_emulator_says(said, version):
    assert parse(said) == version


@pytest.mark.parametrize(
    ("version", "wanted", "meant"),
    [
        ("1:10.0.2+ds-2", "10.0", True),
        ("1:10.0.2+ds-2", "10", True),
        ("1:10.0.2+ds-2", "10.0.2+ds-2", True),
        ("1:10.0.2+ds-2", "1:10.0.2+ds-2", True),
        ("1:10.0.2+ds-2", "1", False),
        ("1:10.0.2+ds-2", "10.0.20", False),
        ("10.01-1", "10.0", False),
        ("2:9.2.4-1.fc42", "9.2", True),
        ("7.2+dfsg-7+deb12u18+b3", "7.2+dfsg-7+deb12u1", False),
        ("7.2+dfsg-7", "7.2", True),
        ("110.0-1", "10.0", False),
    ],
)
def test_which_version_is_meant(version, wanted, meant):
    assert matches(version, wanted) is meant


def test_numbers_compare():
    assert numbers("10.0.2") == (10, 0, 2)
    assert numbers("8.2.2-rc1") == (8, 2, 2)
    assert numbers("unknown") == ()
    assert numbers("9.2") < numbers("10.0")


@pytest.mark.parametrize(
    ("upstream", "package", "guest", "linkage", "words"),
    [
        ("7.2.0", "", "aarch64", "static", "ldconfig"),
        ("7.2.9", "1:7.2+dfsg-7+deb12u7", "aarch64", "static", "ldconfig"),
        ("7.2.11", "1:7.2+dfsg-7+deb12u9", "aarch64", "static", ""),
        ("7.2.22", "1:7.2+dfsg-7+deb12u18+b3", "aarch64", "static", ""),
        ("7.2.22", "1:7.2+dfsg-7+deb12u18+b3", "aarch64", "static-pie", ""),
        ("8.2.2", "1:8.2.2+ds-0ubuntu1", "aarch64", "static", "ldconfig"),
        ("8.2.2", "1:8.2.2+ds-0ubuntu1", "arm", "static", ""),
        ("10.0.0", "", "aarch64", "static", ""),
        ("5.2.0", "1:5.2+dfsg-11+deb11u3", "arm", "static-pie", "allocates memory"),
        ("6.0.0", "", "arm", "static", ""),
        ("4.2.1", "1:4.2-3ubuntu6", "aarch64", "static-pie", "Debian 11"),
        ("4.2.1", "1:4.2-3ubuntu6", "arm", "static-pie", ""),
    ],
)
def test_what_is_known_to_be_broken(upstream, package, guest, linkage, words):
    found = problems(QemuVersion(upstream, package), guest, linkage)
    assert any(words in problem for problem in found) if words else found == []
