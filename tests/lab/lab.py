# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command as root on a disposable copy of this very machine.

Packages installed there, services started there and entries registered with the kernel there all vanish
with the command. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

import cgroups
import filesystems
import network
from shell import LabError

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".cache"

CLONE_NEWNS = 0x00020000
# user, mount, pid, network, ipc, uts and cgroup namespace
CLONE_EVERYTHING = 0x10000000 | CLONE_NEWNS | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
# Every id means the same inside and outside. One less than all of them: the map of all ids is how Docker and
# runc recognise the machine's own user namespace, where they would try what only the machine's root may do.
ID_MAP = "0 0 4294967294\n"
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    options = arguments()
    if os.geteuid() != 0:
        raise LabError("the laboratory needs root to mount an overlay of the root filesystem: run it as root")
    slirp = network.fetch(CACHE / "lab")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, stop)
    unshare(CLONE_NEWNS)  # from here on, what this process mounts disappears with it
    for path in options.keep:
        path.mkdir(parents=True, exist_ok=True)
    filesystems.prepare(CACHE / "apt")
    with cgroups.Groups() as groups:
        status = run(options, groups, slirp)
    filesystems.keep_packages(filesystems.ARCHIVES, CACHE / "apt")
    return status


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__.splitlines()[0])
    keep = "what is written below DIR reaches the machine; made when missing; may be repeated"
    parser.add_argument("--keep", metavar="DIR", action="append", default=[], type=absolute, help=keep)
    parser.add_argument("--no-binfmt", action="store_true", help="leave binfmt_misc unmounted")
    process = "where to write the id of the laboratory's first process, by whose /proc/ID/ns/ others enter it"
    parser.add_argument("--process", metavar="FILE", type=absolute, help=process)
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the command and its arguments, after --")
    return parser.parse_args()


def absolute(text: str) -> Path:
    return Path(text).resolve()


def run(options: argparse.Namespace, groups: cgroups.Groups, slirp: network.Slirp) -> int:
    """Start the copy, connect it, wait for the command in it."""
    ready, go = Gate(), Gate()
    child = os.fork()
    if child == 0:
        exit_with(lambda: first_process(options, groups, ready, go))
    try:
        ready.wait("the laboratory's first process did not get its namespaces")
        for kind in ("uid", "gid"):
            Path(f"/proc/{child}/{kind}_map").write_text(ID_MAP)
        with slirp.connected(child):
            if options.process:
                options.process.write_text(f"{child}\n")
            go.open()
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise


def first_process(options: argparse.Namespace, groups: cgroups.Groups, ready: Gate, go: Gate) -> int:
    """Take the namespaces; the process after this one is the first of the new pid namespace."""
    die_with_parent()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the outer process decides
    groups.join()
    unshare(CLONE_EVERYTHING)
    ready.open()
    go.wait("the laboratory was not connected")
    init = os.fork()
    if init == 0:
        exit_with(lambda: init_process(options, groups))
    return os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])


def init_process(options: argparse.Namespace, groups: cgroups.Groups) -> int:
    """Be the init of the copy: start the command, adopt orphans. When this returns, everything there dies."""
    die_with_parent()
    directory = Path.cwd()
    filesystems.enter(CHECKOUT, options.keep, groups, binfmt=not options.no_binfmt)
    os.chdir(directory)
    command = os.fork()
    if command == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execvp(options.command[0], options.command)
        except OSError as error:
            print(f"lab: {options.command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    while True:
        process, status = os.wait()
        if process == command:
            return os.waitstatus_to_exitcode(status)


class Gate:
    """A process waits until another one opens it; notices when that one died instead."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def open(self) -> None:
        os.write(self.writer, b"!")

    def wait(self, otherwise: str) -> None:
        os.close(self.writer)
        if os.read(self.reader, 1) != b"!":
            raise LabError(otherwise)


def exit_with(function) -> None:  # type: ignore[no-untyped-def]
    """End a forked process with the function's result, and never return into the parent's code."""
    status = 125
    try:
        status = function()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(as_status(status))


def as_status(code: int) -> int:
    """As a shell tells it: 128 + n for a command that was ended by signal n."""
    return 128 - code if code < 0 else code


def require_laboratory(program: str) -> None:
    """Raises LabError for a program that belongs into the laboratory and was started outside of it."""
    if "4294967295" in Path("/proc/self/uid_map").read_text():  # all ids, which ID_MAP is not
        raise LabError(f"this is the machine itself: run it in the laboratory, as in tests/lab/lab -- {program} ...")


def unshare(flags: int) -> None:
    if libc.unshare(flags) != 0:
        raise LabError(f"no new namespaces: {os.strerror(ctypes.get_errno())}")


def die_with_parent() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def stop(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(as_status(main()))
    except LabError as error:
        sys.exit(f"lab: {error}")
