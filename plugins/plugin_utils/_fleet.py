# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet of build hosts is like, made of what the tasks of a play left of each host; pure.

The shape of it, which the JSON file has, too:

- ``check``: whether nothing was done and ``actions`` are what would be.
- ``platforms``: the columns, as Docker writes them.
- ``hosts``: each with ``name``, ``state`` (one of ``STATES``), ``engine`` and ``qemu`` (versions, None where not known), ``cells``
  (by platform: ``status``, one of ``STATUSES``, ``emulator``, its version, and ``explanation``, both None where there is none;
  ``accelerated``: emulated by a copy of the emulator that has native programs run in builds),
  ``actions`` (in words), ``reason`` and ``remedy`` (None where nothing is wrong).
- ``counts``: how many hosts are in each state; ``builds``: see ``_build_plot.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._failure import explain, one_line

STATES = ("ready", "drift", "unknown", "failed", "not begun")
STATUSES = ("native", "emulated", "accelerated", "broken", "unknown", "not asked for")
# What the roles and playbooks register that has ``actions``.
_CHANGING = (
    "docker_engine_result",
    "emulation_emulators",
    "emulation_entries",
    "accelerator_made",
    "accelerator_entries",
    "base_image_package",
    "base_image_built",
    "crossbuild_built",
)
# Where there is what platform_info found, the first that has it. It is not asked where binfmt proved everything.
_PROOFS = ("emulation_proof", "crossbuild_platforms", "crossbuild_failure")

Host = dict[str, Any]


def fleet(
    facts: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    canaries: int,
    check: bool,
    builds: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """The fleet of the hosts ``names``, in the order in which their turn is; ``canaries`` of them go first (0: no canary).

    ``facts`` has the variables of each host. Where a canary failed the others were not begun.
    """
    failed = [name for name in names[:canaries] if "crossbuild_failure" in facts[name]]
    hosts = [
        _not_begun(name, failed) if failed and at >= canaries else _host(name, facts[name], check)
        for at, name in enumerate(names)
    ]
    platforms = list(dict.fromkeys(platform for host in hosts for platform in host["cells"]))
    for host in hosts:
        absent = "not asked for" if host["cells"] else "unknown"
        host["cells"] = {platform: host["cells"].get(platform) or _cell(absent) for platform in platforms}
    counted = Counter(host["state"] for host in hosts)
    return {
        "check": check,
        "platforms": platforms,
        "hosts": hosts,
        "counts": {state: counted[state] for state in STATES},
        "builds": [dict(build) for build in builds],
    }


def _not_begun(name: str, canaries: Sequence[str]) -> Host:
    words = "canary" if len(canaries) == 1 else "canaries"
    reason = f"It was not begun, as the {words} {' and '.join(canaries)} failed."
    return _row(name, "not begun", reason=reason, remedy="Put that right first, and run this again.")


def _host(name: str, facts: Mapping[str, Any], check: bool) -> Host:
    actions = [one_line(words) for key in _CHANGING for words in _get(facts, key, "actions") or ()]
    proof = next((found for key in _PROOFS if (found := _get(facts, key, "details"))), None) or _converged(facts)
    row = _row(
        name,
        "drift" if check and actions else "ready" if proof else "unknown",
        engine=_get(facts, "docker_engine_result", "version"),
        cells={platform: _found(one) for platform, one in _later(facts, proof).items()},
        actions=list(dict.fromkeys(actions)),
    )
    versions = dict.fromkeys(cell["emulator"] for cell in row["cells"].values() if cell["emulator"])
    row["qemu"] = ", ".join(versions) or None
    broken = [platform for platform, cell in row["cells"].items() if cell["status"] == "broken"]
    if "crossbuild_failure" in facts:
        row["state"] = "failed"
        row["reason"], row["remedy"] = explain(facts["crossbuild_failure"])
    elif row["state"] == "ready" and broken:
        row["state"] = "failed"
        row["reason"], row["remedy"] = (
            f"{' and '.join(broken)} does not run as it should.",
            "The reason is said with the platform.",
        )
    return row


def _converged(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """In the shape of platform_info, what binfmt saw on a host where it proved everything and had nothing to do."""
    proven: Mapping[str, Any] = _get(facts, "emulation_entries", "proven") or {}
    ran = _get(facts, "emulation_entries", "platforms") or ()
    if _get(facts, "emulation_entries", "actions") or len(ran) < len(proven):
        return {}
    native = _get(facts, "emulation_entries", "native") or ()
    return {
        platform: {**one, "status": "native" if platform in native else "emulated", "reason": None}
        for platform, one in proven.items()
    }


def _later(facts: Mapping[str, Any], proof: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """With what the role accelerator has registered, which comes after all others have looked."""
    proven: Mapping[str, Any] = _get(facts, "accelerator_entries", "proven") or {}
    later = {platform: {"dispatcher": one["dispatcher"]} for platform, one in proven.items()}
    return {platform: {**one, **later.get(platform, {})} for platform, one in proof.items()}


def _get(facts: Mapping[str, Any], key: str, part: str) -> Any:
    found = facts.get(key)
    return found.get(part) if isinstance(found, Mapping) else None


def _row(name: str, state: str, **known: Any) -> Host:
    nothing: Host = {"engine": None, "qemu": None, "cells": {}, "actions": [], "reason": None, "remedy": None}
    return {"name": name, "state": state, **nothing, **known}


def _found(details: Mapping[str, Any]) -> dict[str, Any]:
    """A cell, of what platform_info says of one platform."""
    if details["reason"] or not details["in_containers"]:
        words = details["explanation"] or "It runs, but not in containers."
        return {"status": "broken", "emulator": details["emulator_version"], "explanation": one_line(words)}
    accelerated = details["status"] == "emulated" and details["dispatcher"]
    return _cell("accelerated" if accelerated else details["status"], details["emulator_version"])


def _cell(status: str, emulator: str | None = None) -> dict[str, Any]:
    return {"status": status, "emulator": emulator, "explanation": None}


def failures(found: Mapping[str, Any]) -> dict[str, str]:
    """By the name of each host that failed or was not begun: the reason, and what to do."""
    return {host["name"]: f"{host['reason']} {host['remedy']}" for host in found["hosts"] if host["reason"]}


def lines(found: Mapping[str, Any]) -> list[str]:
    """A table for the terminal, and behind it a sentence for each host about which there is something to say."""
    table = [["host", "state", "engine", *found["platforms"]]]
    for host in found["hosts"]:
        cells = [_words(host["cells"][platform]) for platform in found["platforms"]]
        table.append([host["name"], host["state"], host["engine"] or "-", *cells])
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return [*shown, *_about_platforms(found), *_about_changes(found), *_about_failures(found), _summary(found)]


def _words(cell: Mapping[str, Any]) -> str:
    if cell["status"] in ("native", "not asked for"):
        return {"native": "native", "not asked for": "-"}[cell["status"]]
    return f"{cell['status']} {cell['emulator']}" if cell["emulator"] else str(cell["status"])


def _about_platforms(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{host['name']}: {platform}: {cell['explanation']}"
        for host in found["hosts"]
        for platform, cell in host["cells"].items()
        if cell["status"] == "broken"
    ]


def _about_changes(found: Mapping[str, Any]) -> list[str]:
    if not found["check"]:
        return []
    changing = [
        f"{host['name']} would change: {'; '.join(host['actions'])}." for host in found["hosts"] if host["actions"]
    ]
    rest = [host["name"] for host in found["hosts"] if host["state"] == "ready"]
    if len(rest) == 1:
        return [*changing, f"Nothing: {rest[0]} is as it should be."]
    return [*changing, f"Nothing: {len(rest)} hosts are as they should be."] if rest else changing


def _about_failures(found: Mapping[str, Any]) -> list[str]:
    return [f"{name}: {words}" for name, words in failures(found).items()]


def _summary(found: Mapping[str, Any]) -> str:
    counts = [f"{count} {state}" for state, count in found["counts"].items() if count]
    number = len(found["hosts"])
    return f"{number} {'host' if number == 1 else 'hosts'}: {', '.join(counts)}."
