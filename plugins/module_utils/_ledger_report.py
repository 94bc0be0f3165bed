# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a farm's ledger knows of earlier builds: how long they took, and where that was."""

from __future__ import annotations

from typing import Any

from . import _ledger_entry, _platform, _registry_reference
from ._ledger_entry import Entry
from ._registry import Registry


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.ledger_info."""
    place = _registry_reference.repository(params["ledger"])
    registry = Registry(place.registry, params)
    builds = []
    for image in params["images"]:
        for platform in _platform.parse_list(image["platforms"]):
            tag = _ledger_entry.last_tag(_registry_reference.untagged(image["name"]), platform)
            found = registry.manifest(place.repository, tag)
            entry = Entry.read(found) if found else None
            builds.append(
                {
                    "image": image["name"],
                    "platform": str(platform),
                    "seconds": entry.seconds if entry else None,
                    "host": entry.host if entry else None,
                    "emulator": (entry.emulator or None) if entry else None,
                }
            )
    return {"changed": False, "builds": builds}
