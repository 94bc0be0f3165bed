# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tools import (
    RELEASES,
    TRIPLETS,
    Tools,
    gate,
    matches,
    native_path,
    tools,
    upstream,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

# What tells the architecture, or computes as only its processor does.
EMULATED = [
    *(("coreutils", name) for name in ("uname", "arch", "printf", "seq", "numfmt", "stdbuf")),
    *(("apt", name) for name in ("apt", "apt-get")),
]


def rows(package: str, path: str, release: str = "bookworm", platform: str = "armhf") -> list[Tools]:
    return [row for row in tools(release, parse(platform)) if row.foreign == package and matches(row, path)]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("platform", TRIPLETS)
def test_each_program_has_its_rules_from_one_row(release: str, platform: str) -> None:
    triplet, gcc = TRIPLETS[platform], RELEASES[release].gcc
    compiler = f"-{triplet}" if release == "trixie" else ""
    for package, path in (
        (f"gcc-{gcc}{compiler}", f"/usr/bin/{triplet}-gcc-{gcc}"),
        (f"gcc-{gcc}{compiler}", f"/usr/libexec/gcc/{triplet}/{gcc}/collect2"),
        (f"cpp-{gcc}{compiler}", f"/usr/lib/gcc/{triplet}/{gcc}/cc1"),
        (f"g++-{gcc}{compiler}", f"/usr/lib/gcc/{triplet}/{gcc}/cc1plus"),
        (f"binutils-{triplet}", f"/usr/bin/{triplet}-as"),
        (f"binutils-{triplet}", f"/usr/bin/{triplet}-ld.bfd"),
        ("coreutils", "/usr/bin/cat"),
        ("coreutils", "/usr/bin/od"),
    ):
        assert len(rows(package, path, release, platform)) == 1, path


@pytest.mark.parametrize(("package", "program"), EMULATED)
def test_what_tells_the_architecture_stays_emulated(package: str, program: str) -> None:
    assert rows(package, f"/usr/bin/{program}") == []


@pytest.mark.parametrize("platform", TRIPLETS)
def test_dpkg_installs_for_the_architecture_of_the_image(platform: str) -> None:
    [row] = rows("dpkg", "/usr/bin/dpkg", platform=platform)
    assert row.strings == (("amd64", platform),)


@pytest.mark.parametrize("platform", TRIPLETS)
def test_what_is_left_for_link_time_is_written_and_read_by_programs_of_the_images_architecture(platform: str) -> None:
    internal = f"/usr/lib/gcc/{TRIPLETS[platform]}/12/"
    assert rows("gcc-12", internal + "lto1", platform=platform) == []
    assert "-flto*" in rows("cpp-12", internal + "cc1", platform=platform)[0].rules
    assert "-flto*" in rows("g++-12", internal + "cc1plus", platform=platform)[0].rules


@pytest.mark.parametrize(
    ("release", "platform"), [("sid", "armhf"), ("bookworm", "s390x"), ("bookworm", "linux/arm/v6")]
)
def test_what_is_not_in_the_table(release: str, platform: str) -> None:
    with pytest.raises(
        CrossbuildError, match=r"There are no native tools for .* known for armhf, arm64 on Debian's bookworm"
    ):
        tools(release, parse(platform))


def test_a_cross_compiler_is_found_where_its_packages_put_it() -> None:
    assert native_path("/usr/lib/gcc/arm-linux-gnueabihf/12/cc1") == "/usr/lib/gcc-cross/arm-linux-gnueabihf/12/cc1"
    assert native_path("/usr/bin/make") == "/usr/bin/make"


def test_a_gate_has_ids_and_rules_a_line_each() -> None:
    text = gate(Tools("x", "x", rules=("-v",)), ["0123", "4567"])
    assert text.startswith("0123\n4567\n$LD_PRELOAD\n")
    assert text.endswith("\n-v\n")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("12.2.0-14cross1", "12.2.0"),
        ("12.2.0-14+deb12u1", "12.2.0"),
        ("1:5.2.1-2+b2", "5.2.1"),
        ("1.34+dfsg-1.2", "1.34+dfsg"),
        ("1.21.23", "1.21.23"),
        ("1-2-3", "1-2"),
    ],
)
def test_the_authors_part_of_a_version(version: str, expected: str) -> None:
    assert upstream(version) == expected
