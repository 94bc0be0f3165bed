# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that give builds to hosts; documented beside, in files of their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.trusted.crossbuild.plugins.plugin_utils import _farm


def assign(
    builds: list[dict[str, Any]], hosts: dict[str, dict[str, str]], durations: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    given, nobody = _farm.assign(builds, hosts, durations or ())
    return {"hosts": given, "nobody": nobody}


def farm_builds(images: list[dict[str, Any]], hosts: dict[str, dict[str, str]] | None, ledger: str) -> dict[str, Any]:
    return {
        "builds": _farm.builds(images),
        "platforms": sorted({build["platform"] for build in _farm.builds(images)}),
        "images": [{"name": image["name"], "platforms": image["platforms"]} for image in images],
        "problems": _farm.problems(images, hosts, ledger),
    }


def farm_nodes(
    hosts: dict[str, dict[str, str]], abouts: dict[str, dict[str, str]], driver_options: dict[str, str] | None = None
) -> dict[str, Any]:
    given = _farm.by_platform(hosts)
    return {
        "hosts": given,
        "problems": _farm.buildx_problems(hosts, abouts),
        "heads": _farm.heads(abouts),
        "head": next((host for host in _farm.heads(abouts) if host in hosts), None),
        "nodes": _farm.nodes(given, abouts, driver_options or {}),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "assign": assign,
            "farm_asked": _farm.asked,
            "farm_builds": farm_builds,
            "farm_found": _farm.found,
            "farm_head_lost": _farm.head_lost,
            "farm_nodes": farm_nodes,
            "farm_outcomes": _farm.outcomes,
            "farm_state": _farm.state,
        }
