# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _ledger_entry, _registry_reference
from ansible_collections.trusted.crossbuild.plugins.module_utils._ledger_entry import Entry
from ansible_collections.trusted.crossbuild.plugins.module_utils._manifest import Manifest, Part
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

PARTS = {"context": "1", "base": "2", "platform": "3", "emulator": "4", "engine": "5"}
PROOF = {"verify": "programs", "smoke_test": []}


def test_a_build_is_known_by_what_it_is_made_from_and_proven_by_and_not_by_who_builds_it() -> None:
    known = _ledger_entry.key(PARTS, PROOF)
    for how in ("emulator", "engine"):
        assert _ledger_entry.key({**PARTS, how: "other"}, PROOF) == known
        assert _ledger_entry.key({name: part for name, part in PARTS.items() if name != how}, PROOF) == known
    for what in ("context", "base", "platform"):
        assert _ledger_entry.key({**PARTS, what: "other"}, PROOF) != known
    assert _ledger_entry.key({**PARTS, "secrets": "other"}, PROOF) != known
    assert _ledger_entry.key(PARTS, {**PROOF, "verify": "all"}) != known
    assert _ledger_entry.key(PARTS, {**PROOF, "smoke_test": [["true"], None]}) != known


def test_all_of_it_are_tags() -> None:
    known = _ledger_entry.key(PARTS, PROOF)
    tags = [
        *(make(known) for make in (_ledger_entry.entry_tag, _ledger_entry.image_tag, _ledger_entry.claim_tag)),
        _ledger_entry.last_tag("registry.example/app", parse("armhf")),
        _ledger_entry.last_tag("registry.example/app", parse("arm64")),
    ]
    assert [_registry_reference.require_tag(tag) for tag in tags] == tags
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize(("seconds", "read"), [(1.26, 1.3), (None, None)])
def test_what_is_written_is_read(memory: Any, seconds: float | None, read: float | None) -> None:
    image = memory.manifest("app", "arm64")
    index = _ledger_entry.written([Part("n", "app", image, parse("arm64"))], seconds, "here", "7.2")
    found = Manifest.read(index.media_type, index.content)
    assert Entry.read(found) == Entry(image.digest, read, "here", "7.2")


def test_what_is_no_entry_is_none(memory: Any) -> None:
    assert Entry.read(memory.manifest("app", "arm64")) is None
    assert Entry.read(_ledger_entry.claim("me", "here", 0)) is None
    damaged = _ledger_entry.written([Part("n", "app", memory.manifest("app", "arm64"), parse("arm64"))], 1, "h", "")
    content = damaged.content.replace(b'"1.0"', b'"soon"')
    assert Entry.read(Manifest(damaged.media_type, content)).seconds is None  # type: ignore[union-attr]


def test_a_claim_is_one_of_two_in_turn_and_says_whose_it_is() -> None:
    claims = [_ledger_entry.claim("me", "here", beat) for beat in range(4)]
    assert claims[0] == claims[2] != claims[1] == claims[3]
    assert {_ledger_entry.holder(claim) for claim in claims} == {("me", "here")}
    nobody = _ledger_entry.claim(_ledger_entry.NOBODY, "", 0)
    assert _ledger_entry.holder(nobody)[0] == _ledger_entry.holder(None)[0] == _ledger_entry.NOBODY
