# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which program is to be registered, as the plan says that only reads: in directories that hold what a host has."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher, _emulators, _probe
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_boot import BootConfiguration
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_entry import register_line
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_format import Flags, of_architecture
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_host import BinfmtHost
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_misc import BinfmtMisc
from ansible_collections.trusted.crossbuild.plugins.module_utils._converge import Plan
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program
from ansible_collections.trusted.crossbuild.plugins.module_utils._receipt import Receipt
from ansible_collections.trusted.crossbuild.plugins.module_utils._registration_present import Present

ARM = parse("linux/arm/v7")
FORMAT = of_architecture(ARM.arch)
SOURCE = (Path(__file__).parents[4] / "roles/accelerator/files/dispatcher.c").read_text()


@dataclass
class Host:
    """A host with an emulator for ARM. ``kernel`` and ``qemu`` are the versions that it says."""

    directory: Path
    kernel: str = "5.12.0"
    qemu: str = "6.0.0"
    conflict: str = "fail"

    @property
    def emulator(self) -> Path:
        return self.directory / "qemu-arm-static"

    @property
    def copy(self) -> Path:
        return self.directory / "dispatcher/qemu-arm-static"

    @property
    def link(self) -> Path:
        """Debian's, by which that emulator is told what newer ones are told by the kernel."""
        return self.directory / "arm-binfmt-P"

    def make_copy(self) -> None:
        _dispatcher.make(str(self.copy), str(self.emulator), SOURCE)

    def upgrade(self) -> None:
        self.emulator.write_bytes(self.emulator.read_bytes() + b"newer")

    def register(self, interpreter: Path, flags: str = "POF", name: str = "qemu-arm") -> None:
        pattern = FORMAT.pattern
        (self.directory / "misc" / name).write_text(
            f"enabled\ninterpreter {interpreter}\nflags: {flags}\noffset 0\nmagic {pattern.magic.hex()}\n"
            f"mask {pattern.mask.hex()}\n"
        )

    def boots_with(self, interpreter: Path) -> None:
        (self.directory / "usr/qemu-arm.conf").write_bytes(register_line(FORMAT.entry(str(interpreter), "POF")))

    def plan(self, flags: Flags | None = None) -> Plan:
        where = BinfmtHost(
            BinfmtMisc(str(self.directory / "misc")),
            BootConfiguration([str(self.directory / "etc"), str(self.directory / "usr")]),
            "systemd",
            self.conflict,
            Receipt("binfmt", str(self.directory / "receipts")),
        )
        return Present(where, [FORMAT], [ARM], flags or Flags(), None, check_mode=False).plan()

    def steps(self, flags: Flags | None = None) -> str:
        return "\n".join(step.words for step in self.plan(flags).steps)

    def wanted(self, flags: Flags | None = None) -> set[str]:
        """What is to be registered in the kernel and at boot, in words, where nothing is yet."""
        return set(self.plan(flags).after)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    for name in ("misc", "etc", "usr"):
        (tmp_path / name).mkdir()
    (tmp_path / "misc/register").touch()
    (tmp_path / "misc/status").write_text("enabled\n")
    made.emulator.write_bytes(probe_program(parse("amd64").arch))
    made.emulator.chmod(0o755)
    machine = os.uname().machine
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine, release=made.kernel))
    monkeypatch.setattr(_emulators, "_PROGRAMS", (str(tmp_path / "qemu-{qemu}-static"),))
    monkeypatch.setattr(_emulators, "_PRESERVING_LINK", str(tmp_path / "{qemu}-binfmt-P"))
    monkeypatch.setattr(_emulators.Emulator, "version", lambda _emulator: made.qemu)
    # Its files are those of whoever runs the tests, and not root's.
    monkeypatch.setattr(BinfmtMisc, "inherited", lambda _misc: False)
    monkeypatch.setattr(_dispatcher, "DIRECTORY", str(made.copy.parent))
    monkeypatch.setattr(_probe, "execute", lambda platforms: {one: proof(made) for one in platforms})
    return made


def proof(host: Host) -> _probe.Proof:
    """By what is registered, if anything is: programs keep their names by Debian's link, and by what the kernel tells."""
    entries = BinfmtMisc(str(host.directory / "misc")).entries()
    if not entries:
        return _probe.Proof(runs=False)
    told = host.kernel >= "5.12" and host.qemu >= "6.0"
    argv0 = "P" in entries[0].flags and (told or entries[0].interpreter == str(host.link))
    return _probe.Proof(runs=True, isolated=True, argv0=argv0)


def test_without_a_copy_the_emulator_is_registered(host: Host) -> None:
    assert host.wanted() == {f"{place}: qemu-arm runs {host.emulator} with flags POF" for place in ("kernel", "boot")}
    assert host.plan().warnings == []


def test_a_copy_is_registered_now_and_at_boot(host: Host) -> None:
    host.make_copy()
    assert host.wanted() == {f"{place}: qemu-arm runs {host.copy} with flags POF" for place in ("kernel", "boot")}
    host.register(host.emulator)
    host.boots_with(host.emulator)
    other = f"its interpreter {host.emulator} is another program than {host.copy}"
    assert host.steps() == f"kernel: register qemu-arm ({other})\nboot: register qemu-arm ({other})"
    host.register(host.copy)
    host.boots_with(host.copy)
    assert host.steps() == ""
    assert host.plan().warnings == []


def test_it_takes_the_place_of_the_distributions_entry_with_a_link(host: Host) -> None:
    host.link.symlink_to(host.emulator)
    host.register(host.link)
    host.boots_with(host.link)
    assert host.steps() == ""
    host.make_copy()
    other = f"its interpreter {host.link} is another program than {host.copy}"
    assert host.steps() == f"kernel: register qemu-arm ({other})\nboot: register qemu-arm ({other})"


@pytest.mark.parametrize("change", [Host.upgrade, lambda host: host.copy.unlink()], ids=["upgraded", "removed"])
def test_a_copy_that_is_not_current_goes_again(host: Host, change: object) -> None:
    assert callable(change)
    host.make_copy()
    host.register(host.copy)
    host.boots_with(host.copy)
    change(host)
    assert f"qemu-arm runs {host.emulator} with" in "".join(host.wanted())
    assert host.steps().count(f"its interpreter {host.copy} is") == 2
    assert host.plan().warnings == []
    host.make_copy()
    assert f"{host.copy} was replaced after the registration" in host.steps()
    host.register(host.copy)
    assert host.steps() == ""


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (Flags(credentials=True), "as with credentials: true a set-user-ID program"),
        (Flags(fix_binary=False), "as with fix_binary: false no container"),
        (Flags(preserve_argv0=False), "as with preserve_argv0: false native programs would lose"),
    ],
)
def test_flags_that_keep_the_dispatcher_out(host: Host, flags: Flags, words: str) -> None:
    host.make_copy()
    (warning,) = host.plan(flags).warnings
    assert warning.startswith(
        f"Builds for arm are not accelerated: {host.emulator} is registered, and not {host.copy}, "
    )
    assert words in warning
    letters = flags.letters(preserve_argv0=True)
    assert host.wanted(flags) == {
        f"{place}: qemu-arm runs {host.emulator} with flags {letters}" for place in ("kernel", "boot")
    }
    # What has been registered without them goes.
    host.register(host.copy)
    assert "another program than" in host.steps(flags)


@pytest.mark.parametrize(("kernel", "qemu"), [("5.11.9", "6.0.0"), ("5.12.0", "5.2.0")])
@pytest.mark.parametrize("preserve_argv0", [None, True])
def test_versions_that_keep_it_out(host: Host, kernel: str, qemu: str, preserve_argv0: bool | None) -> None:
    host.link.symlink_to(host.emulator)
    host.make_copy()
    host.kernel, host.qemu = kernel, qemu
    for registered in (False, True):
        if registered:
            # That programs keep their names by the link says nothing of what the kernel tells.
            host.register(host.link)
            host.boots_with(host.link)
            assert proof(host).argv0
        plan = host.plan(Flags(preserve_argv0=preserve_argv0))
        assert [words.partition(", as ")[2] for words in plan.warnings] == [
            f"that takes QEMU 6.0 and Linux 5.12 or newer, and these are {qemu} and {kernel}."
        ]
        assert {words.partition(" runs ")[2] for words in plan.after} == {f"{host.link} with flags POF"}
        assert bool(plan.steps) is not registered


def test_what_was_seen_is_not_asked_for(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.make_copy()
    host.register(host.copy)
    host.boots_with(host.copy)
    monkeypatch.setattr(_emulators, "version_at", lambda *_arguments: host.qemu)
    monkeypatch.setattr(_emulators.Emulator, "version", lambda _emulator: pytest.fail("it was asked for its version"))
    assert host.steps() == ""


def test_somebody_elses_entry_stays_until_it_is_said_what_to_do(host: Host) -> None:
    host.register(host.emulator, name="local-arm")
    host.boots_with(host.emulator)
    assert host.steps() == ""
    host.make_copy()
    with pytest.raises(CrossbuildError, match=f"local-arm in .*another program than {host.copy}.*conflict: replace"):
        host.plan()
    host.conflict = "adopt"
    assert not host.steps().startswith("kernel")
    warned = (
        f"Builds for arm are not accelerated: the entry local-arm stays, .* by {host.emulator}, and not by {host.copy}"
    )
    assert re.search(warned, " ".join(host.plan().warnings))
    host.conflict = "replace"
    assert host.steps().startswith("kernel: register qemu-arm")


def test_it_is_told_whose_program_serves(host: Host) -> None:
    assert host.plan().result["proven"][str(ARM)]["dispatcher"] is False
    host.register(host.emulator)
    assert host.plan().result["proven"][str(ARM)]["dispatcher"] is False
    host.make_copy()
    host.register(host.copy)
    assert host.plan().result["proven"][str(ARM)] == {
        "runs": True,
        "in_containers": True,
        "argv0": True,
        "emulator_version": host.qemu,
        "dispatcher": True,
    }
