# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where entries are on a host, which of them are ours, and what may be done about those of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ._binfmt_boot import BootConfiguration
from ._binfmt_entry import Entry, parse_register_line, register_line
from ._binfmt_format import Format
from ._binfmt_misc import BinfmtMisc
from ._receipt import Receipt


@dataclass(frozen=True)
class BinfmtHost:
    """The kernel, what a boot reads, and our record of both.

    ``boot_reader`` is ``systemd``, ``openrc`` or ``none``, and ``unread`` says why none; ``conflict`` is ``fail``, ``replace`` or
    ``adopt``; ``scope`` is ``host`` or ``user``; ``child`` says that this is not the host's own user namespace.
    The record holds ``entries`` (name: line as registered), ``disabled`` (names) and ``mounted``.
    """

    misc: BinfmtMisc
    boot: BootConfiguration
    boot_reader: str
    conflict: str
    receipt: Receipt
    scope: str = "host"
    child: bool = False
    unread: str = ""

    def instance(self) -> str:
        """``own`` where the kernel's entries are those of this user namespace, and ``host`` where they are the host's."""
        return "own" if self.child and self.misc.mounted() and not self.misc.inherited() else "host"

    def record(self, key: str, value: Any) -> None:
        """Keeps a fact; an empty one is forgotten, and the record with the last one."""
        content = {**self.receipt.load(), key: value}
        self.receipt.save({key: kept for key, kept in content.items() if kept})

    def recorded(self) -> dict[str, str]:
        """The lines of the entries that we registered, by their names."""
        lines: dict[str, str] = self.receipt.load().get("entries", {})
        return lines

    def disabled(self) -> list[str]:
        """The names of the entries that we disabled."""
        names: list[str] = self.receipt.load().get("disabled", [])
        return names

    def registered_by_us(self, entry: Entry) -> bool:
        """Whether an entry of the kernel is still the one that we registered."""
        line = self.recorded().get(entry.name)
        return line is not None and same(entry, parse_register_line(line.encode("utf-8", "surrogateescape")))

    def foreign(self, form: Format, name: str) -> bool:
        """Whether an entry of this name is somebody else's.

        The entries for architectures are called what QEMU's own script calls them, by every distribution and by us.
        """
        return name != form.name or (form.architecture is None and name not in self.recorded())

    def register(self, entry: Entry, instead_of: Entry | None) -> None:
        self.misc.remove(entry.name)
        if instead_of:
            self.misc.remove(instead_of.name)
        # Recorded first: an entry that nobody answers for could never be taken away again.
        line = register_line(entry).decode("utf-8", "surrogateescape")
        self.record("entries", {**self.recorded(), entry.name: line})
        self.misc.register(entry)

    def enable(self, name: str) -> None:
        self.misc.switch(name, True)
        self.record("disabled", [other for other in self.disabled() if other != name])

    def disable(self, name: str) -> None:
        self.record("disabled", sorted({*self.disabled(), name}))
        self.misc.switch(name, False)


def same(one: Entry, other: Entry) -> bool:
    """Whether the kernel was told the same for both; whether they are enabled does not matter."""
    return replace(one, registered_ns=0, enabled=True) == replace(other, registered_ns=0, enabled=True)


def in_words(entry: Entry | None) -> str:
    """An entry as a line of a diff."""
    if entry is None:
        return "no entry"
    flags = f" with flags {entry.flags}" if entry.flags else ""
    return f"{entry.name} runs {entry.interpreter}{flags}{'' if entry.enabled else ' (disabled)'}"


def describe(entry: Entry | None) -> dict[str, str] | None:
    """An entry as part of a result."""
    return {"name": entry.name, "interpreter": entry.interpreter, "flags": entry.flags} if entry else None
