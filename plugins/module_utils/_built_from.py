# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the context of an image was like when it was built, kept on the host so that a change can be named by its file."""

from __future__ import annotations

from typing import Iterable, Mapping

from . import _build_key, _context
from ._cache import Table
from ._engine_sdk import Image

_SHOWN = 100  # files, in a diff


class BuiltFrom:
    """The context's members as of the last build of ``reference`` on the engine ``host``."""

    def __init__(self, host: str, reference: str, cache: str | None = None) -> None:
        self._table = Table("images", f"{host}\0{reference}", cache)

    def save(self, records: Iterable[tuple[str, str]]) -> None:
        """Raises OSError where that is not possible."""
        self._table.save(dict(records))

    def forget(self) -> None:
        self._table.forget()

    def of(self, image: Image) -> dict[str, str] | None:
        """What that very image was built from; None where this host does not know it."""
        records = self._table.load()
        known = _build_key.part(_context.digest(records.items()))
        return records if known == _build_key.recorded(image.labels).get("context") else None


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The files in which two contexts differ, as the two sides of a diff."""
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    sides: tuple[list[str], list[str]] = ([], [])
    for path in paths[:_SHOWN]:
        for lines, records in zip(sides, (before, after)):
            lines.append(f"context: {_context.printable(path)}: {_short(records.get(path))}")
    if len(paths) > _SHOWN:
        sides[1].append(f"context: and {len(paths) - _SHOWN} files more")
    return sides


def _short(record: str | None) -> str:
    """A record as a person wants to see it: of a digest only the beginning, and capabilities behind it."""
    if record is None:
        return "absent"
    kind, mode, content = record.split(" ", 2)
    return " ".join(
        word
        for word in (kind, mode, content[:12] + content[64:] if kind == "file" else _context.printable(content))
        if word
    )
