# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host can execute: found out by executing."""

from __future__ import annotations

import os
from typing import Any

from . import _emulators, _probe
from ._binfmt_boot import reader
from ._binfmt_misc import BinfmtMisc
from ._errors import CrossbuildError
from ._platform import Platform, parse_list, same_family, host
from ._registration import responsible


def report(platforms: list[Platform], misc: BinfmtMisc) -> dict[str, Any]:
    """Per platform: what happened when a program of it was run, and the entry and emulator behind that."""
    entries = misc.entries()
    proofs = _probe.execute(platforms)
    rows = {str(platform): _row(platform, proofs[platform], entries) for platform in platforms}
    return {
        "changed": False,
        "host": {"platform": str(host()), "kernel": os.uname().release},
        "platforms": [name for name, row in rows.items() if row["status"] != "unavailable"],
        "details": rows,
        "persistent": reader() != "none",
    }


def _row(platform: Platform, proof: _probe.Proof, entries: list[Any]) -> dict[str, Any]:
    entry = responsible(entries, platform.arch)
    works = proof.runs and proof.reason is None
    emulator = _emulators.find(platform.arch) if entry else None
    row: dict[str, Any] = {
        "status": ("emulated" if entry else "native") if works else "unavailable",
        "runs": proof.runs,
        "in_containers": proof.runs and proof.isolated,
        "argv0": proof.argv0,
        "entry": {"name": entry.name, "interpreter": entry.interpreter, "flags": entry.flags} if entry else None,
        "emulator_version": _version(emulator) if emulator else None,
        "reason": None if works else proof.reason,
        "explanation": "" if works else _probe.explain(proof),
    }
    if not works and not entry and same_family(platform, host()):
        row["explanation"] += " This kernel or processor does not run it natively."
    return row


def _version(emulator: _emulators.Emulator) -> str | None:
    try:
        return emulator.version()
    except CrossbuildError:
        return None  # told by the proof: an emulator that cannot say its version runs nothing


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.platform_info."""
    return report(parse_list(params["platforms"]), BinfmtMisc(params["mount_point"]))
