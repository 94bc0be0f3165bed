# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of a context changed since the image was built."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _built_from, _context
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_key import build_key
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

RECORDS = {"a": "file 644 " + "0" * 64, "b": "symlink 777 a"}


def image(records: dict[str, str]) -> Image:
    labels = build_key(context=_context.digest(records.items())).labels()
    return Image("sha256:1", Platform("arm", "v7"), labels, [], [])


def test_it_is_known_what_an_image_was_built_from(tmp_path: Path) -> None:
    kept = _built_from.BuiltFrom("host", "name:tag", str(tmp_path))
    assert kept.of(image(RECORDS)) is None
    kept.save(RECORDS.items())
    assert kept.of(image(RECORDS)) == RECORDS
    assert _built_from.BuiltFrom("host", "name:other", str(tmp_path)).of(image(RECORDS)) is None
    kept.forget()
    assert kept.of(image(RECORDS)) is None


@pytest.mark.parametrize("labels", [{}, {"trusted.crossbuild.inputs": "[]"}, {"trusted.crossbuild.inputs": "no"}])
def test_another_image_of_the_same_name_was_built_from_something_else(tmp_path: Path, labels: dict[str, str]) -> None:
    kept = _built_from.BuiltFrom("host", "name:tag", str(tmp_path))
    kept.save(RECORDS.items())
    assert kept.of(image({"a": "directory 755 "})) is None
    assert kept.of(Image("sha256:1", Platform("arm", "v7"), labels, [], [])) is None


def test_each_changed_file_is_named() -> None:
    after = {"a": "file 644 " + "1" * 64, "c\n\udcff": "directory 755 "}
    assert _built_from.changes(RECORDS, after) == (
        ["context: a: file 644 000000000000", "context: b: symlink 777 a", "context: c\\n\\xff: absent"],
        ["context: a: file 644 111111111111", "context: b: absent", "context: c\\n\\xff: directory 755"],
    )


def test_capabilities_are_told_apart() -> None:
    bare = "file 755 " + "0" * 64
    before, after = _built_from.changes({"a": bare}, {"a": bare + " 01ff"})
    assert (before, after) == (["context: a: file 755 000000000000"], ["context: a: file 755 000000000000 01ff"])


def test_very_many_are_counted() -> None:
    before, after = _built_from.changes({}, {f"{number:03}": "fifo 644 " for number in range(130)})
    assert (len(before), len(after), after[-1]) == (100, 101, "context: and 30 files more")
