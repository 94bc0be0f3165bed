# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of unpacked packages become the accelerator's, told by packages that are made here."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _accelerator_tree
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tools import Tools
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tree import Tree
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._package_archive import PackageArchive

NOTE, LOAD, DYNAMIC = 4, 1, 2
LIBRARIES = "usr/lib/x86_64-linux-gnu"


def elf(identity: bytes = b"", needs: str = "", says: str = "") -> bytes:
    """A 64-bit file with a build id, a library that it needs, and a string."""
    note = struct.pack("<III4s", 4, len(identity), 3, b"GNU") + identity.ljust(-(-len(identity) // 4) * 4, b"\0")
    names = b"\0" + needs.encode() + b"\0" + says.encode() + b"\0"
    parts = [(NOTE, note), (LOAD, names), (DYNAMIC, b"")]
    offset, table, content = 64 + 56 * len(parts), b"", b""
    for kind, part in parts:
        if kind == DYNAMIC:
            where = 64 + 56 * len(parts) + len(note)
            part = struct.pack("<qQqQqQ", 1, 1, 5, where, 0, 0) if needs else b""
        table += struct.pack("<IIQQQQQQ", kind, 4, offset, offset, 0, len(part), len(part), 1)
        content, offset = content + part, offset + len(part)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0
    )
    return header + table + content


class Packages:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.native({"lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": elf()}, "libc6")

    def _put(self, kind: str, name: str, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            target = self.directory / kind / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def native(self, files: dict[str, bytes], name: str = "tools") -> None:
        self._put("native", name, files)

    def foreign(self, files: dict[str, bytes], name: str = "tools") -> None:
        self._put("foreign", name, files)

    def make(self, *table: Tools) -> tuple[Tree, Path]:
        natives, foreigns = (
            {path.name: str(path) for path in sorted((self.directory / kind).iterdir())}
            for kind in ("native", "foreign")
        )
        made, dest = Tree(), self.directory / "dest"
        dest.mkdir()
        (dest / "launcher").touch()
        _accelerator_tree._Maker(str(dest), natives, made).make(list(table), foreigns)
        return made, dest


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path)


def test_a_program_stands_in_where_its_foreign_one_is(packages: Packages) -> None:
    packages.foreign({"bin/tool": elf(b"\xab\xcd"), "usr/bin/script": b"#!/bin/sh\n", "usr/share/x": elf(b"\x01")})
    packages.native({"bin/tool": elf(says="native")})
    made, dest = packages.make(Tools("tools", "tools", rules=("-v",)))
    assert (made.programs, made.left_out) == (["/usr/bin/tool"], {})
    assert (dest / "emul/usr/bin/tool").resolve() == dest / "launcher"
    assert (dest / "emul/bin/tool").samefile(dest / "emul/usr/bin/tool")
    assert (dest / "gate/bin/tool").read_text().splitlines()[::7] == ["abcd", "$GCONV_PATH"]
    assert (dest / "gate/bin/tool").read_text().endswith("\n-v\n")
    assert b"native" in (dest / "root/bin/tool").read_bytes()
    assert (dest / "root/usr/bin/tool").stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (dest / "emul/usr/bin").iterdir()] == ["tool"]


def test_libraries_come_along_under_the_names_that_programs_need_them_by(packages: Packages) -> None:
    packages.foreign({"usr/bin/tool": elf(b"\xab")})
    packages.native({"usr/bin/tool": elf(needs="libone.so.1"), f"{LIBRARIES}/libone.so.1": elf(needs="libtwo.so.2")})
    packages.native({f"{LIBRARIES}/libtwo.so.2": elf()}, "libtwo2")
    _made, dest = packages.make(Tools("tools", "tools"))
    names = sorted(path.name for path in (dest / "root/lib").iterdir())
    assert names == ["ld-linux-x86-64.so.2", "libone.so.1", "libtwo.so.2"]


def test_what_is_not_complete_is_left_out_and_said(packages: Packages) -> None:
    packages.foreign({"usr/bin/one": elf(b"\x01"), "usr/bin/two": elf(b"\x02")})
    packages.native({"usr/bin/two": elf(needs="libgone.so.1")})
    made, dest = packages.make(Tools("tools", "tools"))
    assert made.programs == []
    assert made.left_out == {
        "/usr/bin/one": "tools has no /usr/bin/one",
        "/usr/bin/two": "no package that tools depends on has libgone.so.1",
    }
    assert not (dest / "gate/usr/bin").exists()


def test_strings_change_in_a_program_and_its_own_packages_libraries_only(packages: Packages) -> None:
    packages.foreign({"usr/bin/tool": elf(b"\xab")})
    packages.native(
        {
            "usr/bin/tool": elf(needs="libone.so.1", says="before"),
            f"{LIBRARIES}/libone.so.1": elf(needs="libtwo.so.2", says="before"),
        }
    )
    packages.native({f"{LIBRARIES}/libtwo.so.2": elf(says="before")}, "libtwo2")
    _made, dest = packages.make(Tools("tools", "tools", strings=(("before", "after"),)))
    says = {path.name: b"before" in path.read_bytes() for path in (dest / "root").rglob("*") if path.is_file()}
    assert says == {"tool": False, "libone.so.1": False, "libtwo.so.2": True, "ld-linux-x86-64.so.2": False}


def test_a_native_program_says_the_version_of_the_foreign_one(packages: Packages) -> None:
    packages.foreign({"usr/bin/tool": elf(b"\xab", says="(Debian 2-1) ")})
    packages.native({"usr/bin/tool": elf(says="(Debian 2-1cross1) ")})
    _made, dest = packages.make(Tools("tools", "tools", as_foreign=r"\(Debian [^()]+\) "))
    assert b"\0(Debian 2-1) \0" in (dest / "root/usr/bin/tool").read_bytes()


def test_a_program_that_cannot_say_it_is_left_out(packages: Packages) -> None:
    packages.foreign({"usr/bin/tool": elf(b"\xab")})
    packages.native({"usr/bin/tool": elf(says="short")})
    made, _dest = packages.make(Tools("tools", "tools", strings=(("short", "much longer"),)))
    assert "'much longer'" in made.left_out["/usr/bin/tool"]


def test_the_linkers_plugin_is_no_program_but_has_a_gate(packages: Packages) -> None:
    path = "usr/lib/gcc/arm-linux-gnueabihf/12/liblto_plugin.so"
    packages.foreign({path: elf(b"\xab")})
    packages.native({path.replace("/gcc/", "/gcc-cross/"): elf(says="native")})
    made, dest = packages.make(Tools("tools", "tools", ("/usr/lib*/liblto_plugin.so",)))
    assert made.programs == []
    assert (dest / "gate" / path).read_text().startswith("ab\n")
    assert b"native" in (dest / "root/bfd/liblto_plugin.so").read_bytes()


class Archive:
    """A package archive that knows versions."""

    def __init__(self, architecture: str, versions: dict[str, str]) -> None:
        self.architecture = architecture
        self.versions = versions

    def candidates(self, names: list[str]) -> dict[str, str]:
        return {name: self.versions[name] for name in names if name in self.versions}

    def unavailable(self, name: str) -> CrossbuildError:
        return CrossbuildError(f"no {name}")


def same_versions(native: dict[str, str], foreign: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    made = Tree()
    archives = (cast(PackageArchive, Archive("amd64", native)), cast(PackageArchive, Archive("armhf", foreign)))
    table = [Tools("make", "make"), Tools("gcc-12", "gcc-12-arm")]
    return [row.foreign for row in _accelerator_tree._same_versions(table, *archives, made)], made.left_out


def test_tools_of_another_version_are_left_out() -> None:
    same, left_out = same_versions(
        {"make": "4.3-1", "gcc-12-arm": "12.2.0-3cross1"}, {"make": "4.3-2+b1", "gcc-12": "12.3.0-3"}
    )
    assert same == ["make"]
    assert left_out == {"gcc-12": "gcc-12-arm for amd64 is 12.2.0-3cross1, gcc-12 for armhf 12.3.0-3"}


def test_tools_that_are_not_to_be_had_are_left_out() -> None:
    assert same_versions({"make": "4.3-1"}, {"make": "4.3-1", "gcc-12": "1"})[1] == {
        "gcc-12": "gcc-12-arm for amd64 is not to be had, gcc-12 for armhf 1"
    }


def test_nothing_at_all_to_be_had_is_a_failure() -> None:
    with pytest.raises(CrossbuildError, match="no gcc-12, make"):
        same_versions({}, {})
