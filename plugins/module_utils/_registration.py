# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering emulators and other interpreters with the kernel, now and for every boot."""

from __future__ import annotations

from typing import Any

from . import _user_namespace
from ._architectures import Architecture
from ._binfmt_boot import BootConfiguration, directories, reader
from ._binfmt_entry import Entry
from ._binfmt_format import Flags, Format, custom, of_architecture
from ._binfmt_host import BinfmtHost
from ._binfmt_misc import BinfmtMisc
from ._converge import converge
from ._errors import CrossbuildError
from ._platform import Platform, architectures, parse_list, runs_natively
from ._receipt import DIRECTORY, Receipt
from ._registration_absent import Absent
from ._registration_disabled import Disabled
from ._registration_present import Present

DEFAULT_PLATFORMS = ("linux/arm/v7", "linux/arm64")
_ARGV0 = {"auto": None, "true": True, "false": False}


def responsible(newest_first: list[Entry], architecture: Architecture) -> Entry | None:
    """The entry that programs of this architecture are run by."""
    return of_architecture(architecture).responsible(newest_first)


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.binfmt."""
    platforms, formats = _asked_for(params)
    where = _enter(params)
    if not check_mode:
        where.misc.lock()
    if params["state"] == "absent":
        return converge(Absent(where, formats).plan, check_mode)
    if params["state"] == "disabled":
        return converge(Disabled(where, formats).plan, check_mode)
    flags = Flags(params["fix_binary"], _ARGV0[params["preserve_argv0"]], params["open_binary"], params["credentials"])
    present = Present(where, formats, platforms, flags, params["interpreter"], check_mode)
    result = converge(present.plan, check_mode)
    if not (check_mode and result["changed"]):
        present.require_proven()
    return result


def _asked_for(params: dict[str, Any]) -> tuple[list[Platform], list[Format]]:
    """The platforms, and the formats that take an entry: a custom one, or those of the platforms that are not native."""
    if params["name"] is None:
        platforms = parse_list(DEFAULT_PLATFORMS if params["platforms"] is None else params["platforms"])
        foreign = [platform for platform in platforms if not runs_natively(platform)]
        return platforms, [of_architecture(architecture) for architecture in architectures(foreign)]
    if params["state"] != "absent" and not (params["magic"] or params["extension"]):
        raise CrossbuildError(
            f"The format {params['name']} needs a magic or an extension, by which its files are known."
        )
    if params["state"] == "present" and not params["interpreter"]:
        raise CrossbuildError(f"The format {params['name']} needs an interpreter, the program that runs its files.")
    texts = {key: params[key] or "" for key in ("name", "magic", "mask", "extension")}
    return [], [custom(offset=params["offset"] or 0, **texts)]


def _enter(params: dict[str, Any]) -> BinfmtHost:
    """The host, after entering the user namespace that is to be served."""
    scope, pid = _scope(params["scope"], params["namespace_pid"])
    directory = _user_namespace.state_directory(pid) if scope == "user" else DIRECTORY
    if pid:
        _user_namespace.enter(pid)
    boot_reader, unread = reader() if params["boot"] == "auto" else (params["boot"], "boot: none was asked for")
    if scope == "user":
        if params["boot"] not in ("auto", "none"):
            raise CrossbuildError(
                f"No boot registers the entries of a user namespace: say boot: none, not {params['boot']}."
            )
        boot_reader = "none"
    return BinfmtHost(
        BinfmtMisc(params["mount_point"], own=scope == "user"),
        BootConfiguration(directories(boot_reader)),
        boot_reader,
        params["conflict"],
        Receipt("binfmt", directory),
        scope,
        child=not _user_namespace.initial(),
        unread=unread,
    )


def _scope(asked: str, pid: int | None) -> tuple[str, int | None]:
    """``host`` or ``user``, and the process whose namespaces are to be entered, if any."""
    if asked == "host" and pid:
        raise CrossbuildError("namespace_pid names a user namespace, and is for scope: user.")
    if asked == "host" and not _user_namespace.initial():
        raise CrossbuildError(
            "scope: host was asked for, and this is a user namespace of its own (that of a container or of a user), whose"
            " entries are not the host's. Run this on the host, or say scope: auto to have entries here."
        )
    if asked == "host":
        return "host", None
    if pid:
        return "user", pid
    if _user_namespace.of_a_user():
        return "user", None
    if asked == "auto":
        return "host", None
    pid = _user_namespace.engine_process()
    if pid is None:
        raise CrossbuildError(
            "scope: user was asked for, and this user has no rootless engine that runs: neither Docker's"
            " dockerd-rootless/child_pid nor podman's libpod/tmp/pause.pid is in $XDG_RUNTIME_DIR, nor a directory rootlesskit*"
            " where temporary files are. Run this as the engine's user with the engine started, or give the process that holds"
            " its namespaces as namespace_pid."
        )
    return "user", pid
