# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host can execute: found out by executing."""

from __future__ import annotations

import os
from typing import Any

from . import _dispatcher, _elf, _probe
from ._binfmt_boot import reader
from ._binfmt_entry import Entry
from ._binfmt_misc import BinfmtMisc
from ._diagnosis import Interpreter, Table, diagnose
from ._emulators import version_at
from ._environment import Environment
from ._errors import CrossbuildError
from ._platform import Platform, host, parse_list, runs_natively
from ._registration import responsible

_OVERFLOW = (
    "{platforms}: on the filesystem of {directory}, 32-bit programs built without large-file support cannot list"
    " directories: readdir fails with EOVERFLOW, as inode numbers or positions there do not fit into 32 bits. Builds that"
    " run such programs (cmake, cargo, update-ca-certificates) fail or miss files; put the engine's data, or the"
    " directories they work in, on tmpfs or on an ext4 without dir_index."
)


def report(platforms: list[Platform], misc: BinfmtMisc, environment: Environment, data_root: str) -> dict[str, Any]:
    """Per platform: what happened when a program of it was run, and the entry and emulator behind that."""
    table = Table(
        misc.path,
        misc.entries(),
        switched_on=not misc.mounted() or misc.enabled(),
        own=environment.instance() == "own",
        hiding=environment.hidden_instance(),
    )
    proofs = _probe.execute(platforms, credentials=os.geteuid() == 0, directory=data_root)
    rows = {str(platform): _row(platform, proofs[platform], table) for platform in platforms}
    overflowing = [name for name, row in rows.items() if row["readdir"] == "overflow"]
    return {
        "changed": False,
        "host": {"platform": str(host()), "kernel": os.uname().release},
        "platforms": [name for name, row in rows.items() if row["status"] != "unavailable"],
        "details": rows,
        "persistent": reader()[0] != "none",
        "data_root": data_root,
        "environment": environment.describe(),
        "warnings": [_OVERFLOW.format(platforms=", ".join(overflowing), directory=data_root)] if overflowing else [],
    }


def _row(platform: Platform, proof: _probe.Proof, table: Table) -> dict[str, Any]:
    entry = responsible(table.entries, platform.arch) if table.switched_on else None
    interpreter = _interpreter(entry) if entry else None
    reason, explanation = diagnose(platform, proof, table, interpreter)
    native = entry is None and runs_natively(platform)
    return {
        "status": "unavailable" if reason else "native" if native else "emulated",
        "runs": proof.runs,
        "in_containers": proof.runs and proof.isolated,
        "argv0": proof.argv0,
        "credentials": proof.credentials,
        "readdir": {True: "ok", False: "overflow", None: None}[proof.readdir],
        "entry": _describe(entry, proof) if entry else None,
        "emulator_version": version_at(entry.interpreter, platform.arch) if entry else None,
        "dispatcher": entry is not None and _dispatcher.is_copy(entry.interpreter),
        "linkage": interpreter.linkage if interpreter else None,
        "reason": str(reason) if reason else None,
        "explanation": explanation,
    }


def _describe(entry: Entry, proof: _probe.Proof) -> dict[str, Any]:
    try:
        status = os.stat(entry.interpreter)
        there = (status.st_dev, status.st_ino)
    except OSError:
        there = None
    current = None if proof.file is None else proof.file == there
    return {"name": entry.name, "interpreter": entry.interpreter, "flags": entry.flags, "current": current}


def _interpreter(entry: Entry) -> Interpreter:
    try:
        found = _elf.describe(entry.interpreter)
    except CrossbuildError:
        return Interpreter()  # told by the proof, which says what became of running it
    arch = _elf.architecture(found.header)
    return Interpreter(found.linkage.value, native=arch is not None and runs_natively(Platform(arch.docker)))


def _require_proven(result: dict[str, Any]) -> None:
    """Raises CrossbuildError with all reasons, and with the result, where a platform is not proven to run in containers."""
    unproven = {name: row for name, row in result["details"].items() if row["reason"] or not row["in_containers"]}
    if unproven:
        words = " ".join(f"{name}: {row['explanation']}" for name, row in unproven.items())
        raise CrossbuildError(f"This host does not run {', '.join(unproven)}, or not as it should. {words}", **result)


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.platform_info."""
    misc = BinfmtMisc(params["mount_point"])
    environment = Environment(misc.path)
    data_root = environment.nearest(params["data_root"]) if params["data_root"] else environment.docker_data_root()
    result = report(parse_list(params["platforms"]), misc, environment, data_root)
    if params["require"]:
        _require_proven(result)
    return result
