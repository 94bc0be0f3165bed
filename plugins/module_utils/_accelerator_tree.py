# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The accelerator's files, made out of a release's packages for two architectures.

emul/PATH   for each foreign program that a native one may stand in for: a link to the launcher
gate/PATH   when it may
root/PATH   the native program, or what such a program loads
root/lib    the libraries of all of them, and their loader
launcher    see roles/accelerator/files/launcher.c
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, Callable, Iterator, TypeVar, cast

from . import _elf
from ._accelerator_tools import BFD_PLUGINS, PREFIX, Tools, gate, matches, native_path, tools, upstream
from ._command import require, run, tail
from ._elf_strings import replace
from ._errors import CrossbuildError
from ._package_archive import PackageArchive, sources_of
from ._platform import Platform, host

# Counted up when the same packages and the same rows make something else than before.
_FORMAT = 1
# Of Linux on x86_64, the one architecture that the launcher is for.
_LOADER = "ld-linux-x86-64.so.2"
_LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib", "/usr/lib64")
_PLUGIN = "liblto_plugin.so"
_COMPILE = (
    "gcc",
    "-Os",
    "-s",
    "-static",
    "-nostdlib",
    "-ffreestanding",
    "-fno-builtin",
    "-fno-stack-protector",
    "-fno-tree-loop-distribute-patterns",
    "-Wl,--build-id=none",
)

_T = TypeVar("_T")


@dataclass
class Tree:
    """What was made: the foreign paths that have native programs, what has none and why, versions by package."""

    programs: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def make(release: str, platform: Platform, dest: str, launcher: str) -> Tree:
    """Makes the tree for a release of Debian, by its code name, and a platform in the new directory ``dest``.

    ``launcher`` is the text of roles/accelerator/files/launcher.c, which the host's gcc compiles. Raises CrossbuildError
    where the release or the platform is unknown, packages are not to be had, or this host is none of x86_64.
    """
    require_host()
    table = tools(release, platform)
    os.makedirs(dest)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(dest)), prefix=".packages-") as scratch:
        native, foreign = _archives(release, platform, scratch)
        made = Tree()
        table = _same_versions(table, native, foreign, made)
        natives = _unpack(native.download_all(sorted({row.native for row in table})), scratch)
        foreigns = _unpack(foreign.download(sorted({row.foreign for row in table})), scratch)
        _Maker(dest, natives, made).make(table, foreigns)
    compile_launcher(launcher, os.path.join(dest, "launcher"))
    return made


def require_host() -> None:
    """Raises CrossbuildError where the native tools would not be this host's."""
    if host().architecture != "amd64":
        raise CrossbuildError(f"The accelerator's native tools are for hosts of x86_64, and this one is {host()}.")


def recipe(release: str, platform: Platform, launcher: str) -> str:
    """A digest of all that decides what ``make`` makes, but for the versions of the packages."""
    parts = [_FORMAT, tools(release, platform), _COMPILE, PREFIX, launcher]
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()


def versions(release: str, platform: Platform) -> dict[str, str]:
    """Of which packages ``make`` would make a tree now, by the name for the image's architecture. Fetches lists only."""
    made = Tree()
    with tempfile.TemporaryDirectory(prefix="crossbuild-lists-") as scratch:
        _same_versions(tools(release, platform), *_archives(release, platform, scratch), made)
    return made.versions


def compile_launcher(source: str, target: str, prefix: str = PREFIX) -> None:
    """Makes the launcher, of the text of launcher.c, for an accelerator that is to be at ``prefix``."""
    done = run([*_COMPILE, f'-DPREFIX="{prefix}"', "-o", target, "-xc", "-"], stdin=source)
    if done.returncode != 0:
        raise CrossbuildError(f"The launcher could not be compiled. gcc said: {tail(done.stderr)}")


def _archives(release: str, platform: Platform, scratch: str) -> tuple[PackageArchive, PackageArchive]:
    """Of the host's architecture and of the image's."""
    sources = sources_of(release)
    return PackageArchive(scratch, "amd64", sources), PackageArchive(scratch, str(platform.debian), sources)


def _same_versions(table: list[Tools], native: PackageArchive, foreign: PackageArchive, made: Tree) -> list[Tools]:
    """The rows whose native package is the same version of the program as the foreign one."""
    natives = native.candidates(sorted({row.native for row in table}))
    foreigns = foreign.candidates(sorted({row.foreign for row in table}))
    same = []
    for row in table:
        ours, theirs = natives.get(row.native), foreigns.get(row.foreign)
        if ours and theirs and upstream(ours) == upstream(theirs):
            same.append(row)
            made.versions[row.foreign] = theirs
        else:
            made.left_out[row.foreign] = (
                f"{row.native} for {native.architecture} is {ours or 'not to be had'},"
                f" {row.foreign} for {foreign.architecture} {theirs or 'not to be had'}"
            )
    if not same:
        raise native.unavailable(", ".join(sorted(made.left_out)))
    return same


def _unpack(packages: list[str], scratch: str) -> dict[str, str]:
    """The directories that packages were unpacked in, by the packages' names."""
    directories = {}
    for package in packages:
        name = os.path.basename(package).split("_")[0]
        directories[name] = tempfile.mkdtemp(dir=scratch, prefix=f"{name}-")
        require(["dpkg-deb", "--extract", package, directories[name]])
    return directories


class _Maker:
    """Picks programs and libraries out of unpacked packages."""

    def __init__(self, dest: str, natives: dict[str, str], made: Tree) -> None:
        self.dest = dest
        self.natives = natives
        self.made = made
        # One place for names that lead to the same file where /bin is a link, and to another one where it is not.
        for part in ("emul", "gate", "root"):
            os.makedirs(os.path.join(dest, part))
            for name in ("bin", "sbin", *(["lib"] if part != "root" else [])):
                os.symlink(f"usr/{name}", os.path.join(dest, part, name))
        os.makedirs(os.path.join(dest, "root/lib"))

    def make(self, table: list[Tools], foreigns: dict[str, str]) -> None:
        self._library(_LOADER)
        for row in table:
            for path, file in sorted(_files(foreigns[row.foreign])):
                if matches(row, path) and not os.path.islink(file):
                    self._program(row, path, file)
        self.made.programs.sort()

    def _program(self, row: Tools, path: str, foreign: str) -> None:
        build_id = _read(foreign, _elf.build_id)
        native = _find(self.natives[row.native], native_path(path))
        if not build_id:
            return  # a script: it runs by a program that is here or not
        if not native:
            self.made.left_out[path] = f"{row.native} has no {native_path(path)}"
            return
        missing = [name for name in _read(native, _elf.needed) if not self._library(name, row)]
        if missing:
            self.made.left_out[path] = f"no package that {row.native} depends on has {', '.join(missing)}"
            return
        try:
            _install(native, f"{self.dest}/root{path}", (*row.strings, *_as_foreign(row, native, foreign)))
        except CrossbuildError as exc:
            self.made.left_out[path] = str(exc)
            return
        _write(f"{self.dest}/gate{path}", gate(row, [build_id]))
        if os.path.basename(path) == _PLUGIN:
            os.makedirs(self.dest + BFD_PLUGINS)
            os.symlink(os.path.relpath(f"/root{path}", BFD_PLUGINS), f"{self.dest}{BFD_PLUGINS}/{_PLUGIN}")
            return
        link = f"{self.dest}/emul{path}"
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(os.path.relpath("/launcher", os.path.dirname(f"/emul{path}")), link)
        self.made.programs.append(path)

    def _library(self, name: str, row: Tools | None = None) -> bool:
        """Has a library and all that it needs in its place; False where no package has one of them."""
        target = f"{self.dest}/root/lib/{name}"
        if os.path.lexists(target):
            return True
        for package, directory in self.natives.items():
            for path in _LIBRARIES:
                found = _find(directory, f"{path}/{name}")
                if found:
                    _install(found, target, row.strings if row and row.native == package else ())
                    return all(self._library(needed, row) for needed in _read(found, _elf.needed))
        return False


def _files(directory: str) -> Iterator[tuple[str, str]]:
    """The files of an unpacked package: path in a system whose /bin is /usr/bin, and where it is now."""
    for at, _directories, names in os.walk(directory):
        for name in names:
            file = os.path.join(at, name)
            path = file[len(directory) :]
            yield (path if path.startswith("/usr/") else f"/usr{path}"), file


def _find(directory: str, path: str) -> str | None:
    """What an unpacked package has at a path of a system whose /bin is /usr/bin."""
    places = (directory + path, directory + path[len("/usr") :])
    return next((place for place in places if os.path.isfile(place)), None)


def _as_foreign(row: Tools, native: str, foreign: str) -> list[tuple[str, str]]:
    """What the native program must say instead, because the foreign one does."""
    if not row.as_foreign:
        return []
    ours, theirs = (
        re.findall(rb"\0(" + row.as_foreign.encode() + rb")\0", _read(file, lambda f: f.read()))
        for file in (native, foreign)
    )
    return [(old.decode(), theirs[0].decode()) for old in dict.fromkeys(ours) if theirs and old != theirs[0]]


def _read(path: str, what: Callable[[BinaryIO], _T]) -> _T:
    with open(path, "rb") as file:
        return what(cast(BinaryIO, file))


def _install(source: str, target: str, strings: tuple[tuple[str, str], ...]) -> None:
    with open(source, "rb") as file:
        content = file.read()
    for old, new in strings:
        content = replace(content, old, new)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
    os.chmod(target, 0o755)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
