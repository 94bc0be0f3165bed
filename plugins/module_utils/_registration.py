# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering emulators with the kernel, now and for every boot."""

from __future__ import annotations

import filecmp
import os
from dataclasses import replace
from functools import partial
from typing import Any, Callable

from . import _elf, _emulators, _probe
from ._binfmt_boot import BootConfiguration, reader
from ._binfmt_entry import Entry, handler, parse_register_line, register_line
from ._binfmt_misc import BinfmtMisc
from ._converge import Plan, Step, converge
from ._errors import CrossbuildError
from ._platform import Architecture, Platform, architectures, host, parse, parse_list, same_family
from ._probe_programs import probe_program
from ._receipt import Receipt

# P: argv[0] arrives. F: the kernel opens the emulator once, so that it serves containers which do not have it.
# O: the emulator gets the program as an open file, so that programs which may be run but not read work too.
FLAGS = "POF"
_NEEDED = {
    "F": "flag F (fix binary) is missing: containers would need a copy of the emulator",
    "P": "flag P (preserve argv[0]) is missing: programs such as busybox get a wrong name",
}


def entry_name(architecture: Architecture) -> str:
    return f"qemu-{architecture.qemu}"


def desired_entry(emulator: _emulators.Emulator) -> Entry:
    magic, mask = _elf.binfmt_magic(emulator.architecture)
    return Entry(entry_name(emulator.architecture), emulator.interpreter, magic, mask, flags=FLAGS)


def responsible(newest_first: list[Entry], architecture: Architecture) -> Entry | None:
    """The entry that programs of this architecture are run by."""
    return handler(newest_first, probe_program(architecture))


def defects(entry: Entry, emulator: _emulators.Emulator) -> list[str]:
    """In words, why an entry is not as good as the one this collection would make. Its name and path do not matter."""
    found = [words for flag, words in _NEEDED.items() if flag not in entry.flags]
    if "C" in entry.flags:
        found.append("flag C (credentials) is set: a setuid program of an image would run the emulator as root")
    if not os.path.exists(entry.interpreter):
        found.append(f"its interpreter {entry.interpreter} is not on this host")
    elif not filecmp.cmp(entry.interpreter, emulator.path, shallow=False):
        found.append(f"its interpreter {entry.interpreter} is another program than {emulator.path}")
    elif entry.registered_ns and os.stat(entry.interpreter).st_ctime_ns > entry.registered_ns:
        # The kernel keeps the file open that was there at registration; nothing else tells which one that was.
        found.append(f"{entry.interpreter} was replaced after the registration: the kernel still uses the old file")
    return found


class Registration:
    """The entries for some platforms: in the kernel, and in the configuration that a boot reads."""

    def __init__(
        self, platforms: list[Platform], conflict: str, misc: BinfmtMisc, boot: BootConfiguration, boot_reader: str
    ) -> None:
        self.native = [platform for platform in platforms if same_family(platform, host())]
        self.platforms = [platform for platform in platforms if platform not in self.native]
        self.conflict = conflict
        self.misc = misc
        self.boot = boot
        self.boot_reader = boot_reader
        self.receipt = Receipt("binfmt")

    def plan_present(self, check_mode: bool) -> Plan:
        self._require_usable()
        in_kernel, at_boot = self.misc.entries(), self.boot.entries()
        plan = Plan(warnings=self._warnings(in_kernel))
        if not self.misc.mounted():
            plan.steps.append(Step(f"mount binfmt_misc at {self.misc.path}", self._mount))
        for architecture in architectures(self.platforms):
            emulator = self._emulator(architecture, plan, check_mode)
            if emulator:
                self._compare(plan, "kernel", emulator, in_kernel, self._register)
            if emulator and self.boot_reader != "none":
                self._compare(plan, "boot", emulator, at_boot, self._write_boot)
        plan.result = {
            "entries": {arch.qemu: _describe(responsible(in_kernel, arch)) for arch in architectures(self.platforms)},
            "native": [str(platform) for platform in self.native],
            "persistent": self.boot_reader != "none",
        }
        return plan

    def _require_usable(self) -> None:
        self.misc.require_mountable()
        if self.misc.mounted() and not self.misc.enabled():
            raise CrossbuildError(
                f"binfmt_misc is switched off as a whole: {self.misc.path}/status says 'disabled', so that no entry of"
                f" anybody works. If that should not be, switch it on: echo 1 > {self.misc.path}/status"
            )

    def _emulator(self, architecture: Architecture, plan: Plan, check_mode: bool) -> _emulators.Emulator | None:
        """The emulator to register. In check mode one that an earlier task would have installed may still be missing."""
        found = _emulators.find(architecture)
        if check_mode and not (found and found.usable):
            name = entry_name(architecture)
            plan.steps.append(Step(f"register {name} once its emulator is installed", lambda: None))
            return None
        return _emulators.require(architecture)

    def _compare(
        self,
        plan: Plan,
        where: str,
        emulator: _emulators.Emulator,
        entries: list[Entry],
        repair: Callable[[Entry, Entry | None], None],
    ) -> None:
        wanted = desired_entry(emulator)
        actual = responsible(entries, emulator.architecture)
        foreign = actual is not None and actual.name != wanted.name
        wrong = defects(actual, emulator) if actual else ["no entry handles its programs"]
        converged = not wrong or (foreign and self.conflict == "adopt")
        plan.before.append(f"{where}: {_line(actual)}")
        plan.after.append(f"{where}: {_line(actual if converged else wanted)}")
        if converged:
            return
        if actual and foreign:
            self._require_replaceable(actual, where, wrong)
        if where == "boot":
            self._require_effective(wanted, actual, wrong)
        plan.steps.append(Step(f"{where}: register {wanted.name} ({'; '.join(wrong)})", lambda: repair(wanted, actual)))

    def _require_replaceable(self, entry: Entry, where: str, wrong: list[str]) -> None:
        if self.conflict == "replace":
            return
        origin = self.boot.source(entry) if where == "boot" else self.misc.path
        raise CrossbuildError(
            f"The entry {entry.name} in {origin}, which this collection did not make, handles the programs of a platform"
            f" you ask for, and {'; '.join(wrong)}. Remove it where it comes from, or say conflict: replace (it goes) or"
            " conflict: adopt (it stays and is used as it is)."
        )

    def _require_effective(self, wanted: Entry, actual: Entry | None, wrong: list[str]) -> None:
        """Our file may be written, and then is what counts at boot."""
        path = self.boot.path(wanted.name)
        if os.path.lexists(path) and not self.boot.owned(wanted.name) and self.conflict != "replace":
            raise CrossbuildError(
                f"{path} was not written by this collection, and with it {wanted.name} is not registered at boot as it"
                f" should be: {'; '.join(wrong)}. Remove the file, or say conflict: replace (it is overwritten) or boot: none."
            )
        if actual and os.path.basename(self.boot.source(actual)) > os.path.basename(path):
            raise CrossbuildError(
                f"At boot {self.boot.source(actual)} is read after {path}, and its entry {actual.name} handles the programs"
                f" of a platform you ask for, and {'; '.join(wrong)}. Remove it from that file, or say boot: none."
            )

    def _mount(self) -> None:
        self.misc.mount()
        self.misc.lock()
        self._record("mounted", True)

    def _register(self, wanted: Entry, actual: Entry | None) -> None:
        self.misc.remove(wanted.name)
        if actual:
            self.misc.remove(actual.name)
        # Recorded first: an entry that nobody answers for could never be taken away again.
        line = register_line(wanted).decode("utf-8", "surrogateescape")
        self._record("entries", {**self.receipt.load().get("entries", {}), wanted.name: line})
        self.misc.register(wanted)

    def _write_boot(self, wanted: Entry, actual: Entry | None) -> None:
        self.boot.write(wanted)

    def _record(self, key: str, value: Any) -> None:
        self.receipt.save({**self.receipt.load(), key: value})

    def _warnings(self, in_kernel: list[Entry]) -> list[str]:
        found = []
        names = {platform.architecture for platform in self.platforms}
        if self.boot_reader == "none" and names:
            found.append(
                "Nothing on this host registers entries at boot (neither systemd-binfmt nor OpenRC's binfmt service runs):"
                " the entries hold until the next boot, then run this again."
            )
        if "arm64" in names and "arm" not in names and not responsible(in_kernel, parse("arm").arch):
            found.append(
                "linux/arm64 without linux/arm: BuildKit takes arm64 for able to run arm/v7, and such builds then end in"
                " 'exec format error'. Ask for both."
            )
        return found

    def prove(self) -> None:
        """Executes a program of every platform. Raises CrossbuildError for the first that does not run."""
        proofs = _probe.execute(self.platforms)
        failed = {str(platform): proof for platform, proof in proofs.items() if not (proof.runs and proof.argv0)}
        if failed:
            words = "; ".join(f"{platform}: {_probe.explain(proof)}" for platform, proof in failed.items())
            raise CrossbuildError(f"The entries are registered, but a program run to prove them failed: {words}")

    def plan_absent(self) -> Plan:
        """What this module registered is gone, and what the distribution's own configuration says is back."""
        plan = Plan(result={"entries": {}, "native": [], "persistent": False})
        ours = self.receipt.load().get("entries", {})
        in_kernel = {entry.name: entry for entry in self.misc.entries()}
        others = set(in_kernel)
        for architecture in architectures(self.platforms):
            name = entry_name(architecture)
            if name not in ours and not self.boot.owned(name):
                continue
            plan.before.append(f"{name}: {_line(in_kernel.get(name))}")
            # Somebody may have registered another entry under that name since: that one is not ours to remove.
            present = in_kernel.get(name)
            same = bool(present and name in ours and _same(present, parse_register_line(ours[name].encode())))
            plan.steps.append(Step(f"remove {name}", partial(self._forget, name, same)))
            if same:
                others.remove(name)
        if self.receipt.load().get("mounted") and not others:
            plan.steps.append(Step(f"unmount {self.misc.path}", self._unmount))
        return plan

    def _forget(self, name: str, in_kernel: bool) -> None:
        if in_kernel:
            self.misc.remove(name)
        self.boot.remove(name)
        record = self.receipt.load()
        record.get("entries", {}).pop(name, None)
        self.receipt.save({key: value for key, value in record.items() if value})
        distribution = [entry for entry in self.boot.entries() if entry.name == name]
        if in_kernel and self.boot_reader != "none" and distribution and os.path.exists(distribution[0].interpreter):
            self.misc.register(distribution[0])

    def _unmount(self) -> None:
        if self.misc.entries():
            return  # those of the distribution came back
        if self.misc.mounted():
            self.misc.unmount()
        record = self.receipt.load()
        record.pop("mounted", None)
        self.receipt.save(record)


def _same(one: Entry, other: Entry) -> bool:
    def bare(entry: Entry) -> Entry:
        return replace(entry, registered_ns=0, enabled=True)

    return bare(one) == bare(other)


def _line(entry: Entry | None) -> str:
    return f"{entry.name} runs {entry.interpreter} with flags {entry.flags}" if entry else "no entry"


def _describe(entry: Entry | None) -> dict[str, str] | None:
    return {"name": entry.name, "interpreter": entry.interpreter, "flags": entry.flags} if entry else None


def run(params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module trusted.crossbuild.binfmt."""
    boot_reader = reader() if params["boot"] == "auto" else params["boot"]
    registration = Registration(
        parse_list(params["platforms"]),
        params["conflict"],
        BinfmtMisc(params["mount_point"]),
        BootConfiguration(),
        boot_reader,
    )
    if not check_mode:
        registration.misc.lock()
    if params["state"] == "absent":
        return converge(registration.plan_absent, check_mode)
    result = converge(lambda: registration.plan_present(check_mode), check_mode)
    if not (check_mode and result["changed"]):
        registration.prove()
    return result
