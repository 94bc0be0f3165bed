# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration that registers entries at boot: binfmt.d, which systemd-binfmt and OpenRC's binfmt service read.

The rules are those of binfmt.d(5): a file in an earlier directory replaces one of the same name in a later one, files
are read in the order of their names, and the last line for a name wins.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Collection, Container, Iterable, Sequence

from ._atomic import write_file
from ._binfmt_entry import Entry, parse_register_line, register_line
from ._errors import CrossbuildError
from ._service import Service

# In order of precedence: binfmt.d(5), and what OpenRC's binfmt.sh names.
_OPENRC = ("/etc/binfmt.d", "/run/binfmt.d", "/usr/lib/binfmt.d")
_SYSTEMD = ("/etc/binfmt.d", "/run/binfmt.d", "/usr/local/lib/binfmt.d", "/usr/lib/binfmt.d", "/lib/binfmt.d")
HEADER = "# Written by the Ansible module trusted.crossbuild.binfmt; changes are overwritten."
# What follows is a JSON list: a name may hold any printable character.
_MASK = "# It registers nothing, and so hides a file of the same name. Disabled: "

_SYSTEMD_UNIT_MASK = "/etc/systemd/system/systemd-binfmt.service"


def reader() -> tuple[str, str]:
    """Which service registers binfmt.d at the host's next boot: ``systemd``, ``openrc``, or ``none`` and why none does."""
    if os.path.isdir("/run/systemd/system"):
        if os.path.realpath(_SYSTEMD_UNIT_MASK) == "/dev/null":
            return "none", "systemd-binfmt is masked (systemctl unmask systemd-binfmt)"
        return "systemd", ""
    if not os.path.isdir("/run/openrc"):
        return "none", "neither systemd nor OpenRC runs"
    if not os.path.exists("/etc/init.d/binfmt"):
        return "none", "OpenRC has no service binfmt here"
    if not Service("binfmt").starts_at_boot():
        return "none", "OpenRC's service binfmt is in no runlevel (rc-update add binfmt boot)"
    return "openrc", ""


def directories(boot_reader: str) -> Sequence[str]:
    """What it reads, in order of precedence."""
    return _OPENRC if boot_reader == "openrc" else _SYSTEMD


@dataclass(frozen=True)
class BootFile:
    """A file that a boot reads. ``disabled`` are the names that a file of ours keeps from being registered."""

    path: str
    entries: tuple[Entry, ...]
    ours: bool = False
    disabled: tuple[str, ...] = ()


def last_first(files: Iterable[BootFile]) -> list[tuple[Entry, str]]:
    """What these files register, last registered first, each with the file it is from."""
    registered: dict[str, tuple[Entry, str]] = {}
    for file in files:
        for entry in file.entries:
            registered.pop(entry.name, None)
            registered[entry.name] = (entry, file.path)
    return list(reversed(registered.values()))


class BootConfiguration:
    """The binfmt.d directories, in order of precedence; the first is the one to write to."""

    def __init__(self, directories: Sequence[str]) -> None:
        self.directories = directories

    def files(self, without: Container[str] = ()) -> list[BootFile]:
        """The files that a boot reads, in that order; as it would be were those in ``without`` not there."""
        chosen: dict[str, str] = {}
        for directory in self.directories:
            for name in os.listdir(directory) if os.path.isdir(directory) else ():
                path = os.path.join(directory, name)
                if name.endswith(".conf") and path not in without:
                    chosen.setdefault(name, path)
        return [_read(chosen[name]) for name in sorted(chosen)]

    def ours(self) -> list[BootFile]:
        return [file for file in self.files() if file.ours]

    def masks(self, names: Collection[str]) -> list[BootFile]:
        """Our files that disable entries of these names.

        Raises CrossbuildError for one that disables others, too: it can stay or go as a whole only.
        """
        found = [file for file in self.ours() if set(file.disabled).intersection(names)]
        for file in found:
            others = ", ".join(sorted(set(file.disabled).difference(names)))
            if others:
                raise CrossbuildError(
                    f"{file.path} hides a file at boot for the sake of {', '.join(file.disabled)}: ask for {others} in the"
                    " same task, too."
                )
        return found

    def distribution(self) -> list[BootFile]:
        """What a boot would read without anything of ours."""
        return self.files(without={file.path for file in self.ours()})

    def entries(self) -> list[Entry]:
        """What a boot registers, last registered first."""
        return [entry for entry, _path in last_first(self.files())]

    def path(self, name: str) -> str:
        """Our file for an entry. It bears the distribution's file name, so that it replaces that and adds no twin."""
        return os.path.join(self.directories[0], name + ".conf")

    def mask_path(self, path: str) -> str:
        """The file that keeps another from being read."""
        return os.path.join(self.directories[0], os.path.basename(path))

    def foreign(self, path: str) -> bool:
        """Whether a file that we would write is there and somebody else's."""
        return os.path.lexists(path) and not self._ours(path)

    def write(self, entry: Entry) -> None:
        line = register_line(entry).decode("utf-8", "surrogateescape")
        write_file(self.path(entry.name), f"{HEADER}\n{line}\n")

    def mask(self, path: str, names: Sequence[str]) -> None:
        """Keeps a file from being read, by one of ours that says for whose sake."""
        write_file(self.mask_path(path), f"{HEADER}\n{_MASK}{json.dumps(sorted(names))}\n")

    def owned(self, name: str) -> bool:
        """Whether our file for this entry is there and was written by this collection."""
        return self._ours(self.path(name))

    def remove(self, path: str) -> None:
        """Removes a file, if it is ours."""
        if self._ours(path):
            os.unlink(path)

    def _ours(self, path: str) -> bool:
        return os.path.exists(path) and _read(path).ours


def _read(path: str) -> BootFile:
    with open(path, "rb") as file:
        lines = [line.strip() for line in file]
    entries = [_parse(line) for line in lines if line and line[:1] not in b"#;"]
    ours = lines[:1] == [HEADER.encode()]
    marks = [line[len(_MASK) :] for line in lines if ours and line.startswith(_MASK.encode())]
    disabled = [name for mark in marks for name in json.loads(mark)]
    return BootFile(path, tuple(entry for entry in entries if entry), ours, tuple(disabled))


def _parse(line: bytes) -> Entry | None:
    try:
        return parse_register_line(line)
    except (CrossbuildError, ValueError):
        return None  # systemd-binfmt logs such a line and goes on
