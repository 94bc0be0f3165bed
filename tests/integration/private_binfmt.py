# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances of binfmt_misc of a test's own, in user namespaces. The host's own entries are never touched.

Needs Linux 6.7 or newer, where every user namespace may have such an instance.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import pickle
import traceback
from collections.abc import Callable
from typing import TypeVar

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._elf import binfmt_magic
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)
ROOT = os.geteuid() == 0
T = TypeVar("T")


def check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(kind: str, target: pathlib.Path, flags: int = 0, data: str = "", source: str = "none") -> None:
    check(LIBC.mount(source.encode(), os.fsencode(target), kind.encode(), flags, data.encode()))


def map_users(process: int) -> None:
    """Every user as itself where that is permitted, so that set-user-ID programs work; else only this one, as root."""
    users, groups = ("0 0 4294967295",) * 2 if ROOT else (f"0 {os.getuid()} 1", f"0 {os.getgid()} 1")
    if not ROOT:
        pathlib.Path(f"/proc/{process}/setgroups").write_text("deny")
    pathlib.Path(f"/proc/{process}/uid_map").write_text(users)
    pathlib.Path(f"/proc/{process}/gid_map").write_text(groups)


class Instance:
    """An instance of binfmt_misc, empty at first."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        try:
            mount("binfmt_misc", path)
        except OSError as error:
            pytest.fail(f"No instance of binfmt_misc for a user namespace ({error}): that takes Linux 6.7 or newer.")

    def register(self, name: str, interpreter: str | pathlib.Path, flags: str = "") -> None:
        magic, mask = ("".join(f"\\x{byte:02x}" for byte in part) for part in binfmt_magic(parse(name).arch))
        (self.path / "register").write_text(f":test-{name}:M::{magic}:{mask}:{interpreter}:{flags}")

    def disable(self, name: str) -> None:
        (self.path / f"test-{name}").write_text("0")


def privately(work: Callable[[Instance], T], path: pathlib.Path, before: Callable[[], None] | None = None) -> T:
    """What ``work`` returns in a child process that has namespaces and an instance of its own.

    ``before`` is called in a mount namespace only, with the rights of the user who runs the tests.
    """
    asking, asked = os.pipe()
    telling, told = os.pipe()
    results, result = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if before is not None:
                check(LIBC.unshare(CLONE_NEWNS))
                before()
            check(LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS))
            os.write(asked, b"!")
            os.read(telling, 1)
            answer: tuple[T | None, str] = (work(Instance(path)), "")
        except BaseException:
            answer = (None, traceback.format_exc())
        with os.fdopen(result, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    for descriptor in (asked, telling, result):
        os.close(descriptor)
    if os.read(asking, 1):
        map_users(child)
        os.write(told, b"!")
    value: T
    with os.fdopen(results, "rb") as file:
        value, error = pickle.load(file)
    os.waitpid(child, 0)
    os.close(asking)
    os.close(told)
    assert not error, error
    return value
