# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probes, executed by emulators that are registered in an instance of binfmt_misc of the test's own.

Needs an x86_64 host with Linux 6.7 or newer, where every user namespace may have such an instance, and
CROSSBUILD_QEMU_DIR: a directory with qemu-arm-static and its siblings. The host's own entries are never touched.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _probe_run
from ansible_collections.trusted.crossbuild.plugins.module_utils._binfmt_misc import BinfmtMisc
from ansible_collections.trusted.crossbuild.plugins.module_utils._environment import Environment
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import everything, parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform_report import report
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe import Proof, execute, explain
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program
from ansible_collections.trusted.crossbuild.plugins.module_utils._reason import REMEDIES, Reason
from ansible_collections.trusted.crossbuild.tests.integration.private_binfmt import ROOT, Instance, mount, privately

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
ARM = parse("arm/v7")
# An x86_64 kernel runs these without help; an entry for x86_64 would take the emulators themselves.
NATIVE = {"386", "amd64"}


def identity(path: str | pathlib.Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def seen(proof: Proof) -> Proof:
    """A proof without the file behind it, which for the host's own programs is the probe, and gone."""
    return replace(proof, file=None)


@pytest.fixture
def prove(tmp_path: pathlib.Path) -> Callable[..., Proof]:
    def run(interpreter: str | pathlib.Path | None, flags: str = "", **options: object) -> Proof:
        def work(instance: Instance) -> Proof:
            if interpreter is not None:
                instance.register("arm", interpreter, flags)
            return execute([ARM], **options)[ARM]  # type: ignore[arg-type]

        instance_path = tmp_path / "binfmt_misc"
        instance_path.mkdir(exist_ok=True)
        return privately(work, instance_path)

    return run


@pytest.fixture
def script(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    # Where everybody may enter, as interpreters are opened as the user who registers or runs them.
    def write(text: str) -> pathlib.Path:
        path = tmp_path / "interpreter"
        path.write_text(text)
        path.chmod(0o755)
        return path

    return write


def test_no_entry(prove: Callable[..., Proof]) -> None:
    assert prove(None) == Proof(False, reason=Reason.NOT_REGISTERED, detail="Exec format error")


def test_fixed_and_preserving(prove: Callable[..., Proof], qemu: Callable[[str], str]) -> None:
    proof = prove(qemu("arm"), "PF")
    assert proof == Proof(True, isolated=True, argv0=True, file=identity(qemu("arm")))
    assert explain(proof) == ""


def test_the_file_that_ran_is_the_one_behind_flag_f(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    interpreter, new, link = tmp_path / "emulator", tmp_path / "new", tmp_path / "link"
    for path in (interpreter, new):
        shutil.copy(qemu("arm"), path)
    link.symlink_to(interpreter)
    first, second = identity(interpreter), identity(new)

    def work(instance: Instance) -> list[tuple[int, int] | None]:
        instance.register("arm", link, "PF")
        before = execute([ARM])[ARM].file
        new.rename(interpreter)
        after = execute([ARM])[ARM].file
        (instance.path / "test-arm").write_text("-1")
        instance.register("arm", link, "PF")
        return [before, after, execute([ARM])[ARM].file]

    assert privately(work, tmp_path / "binfmt_misc") == [first, first, second]
    assert identity(link) == second != first


def test_what_writes_without_end_is_not_waited_for_nor_kept(
    prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]
) -> None:
    proof = prove(script("#!/bin/sh\nexec yes CROSS\n"), timeout=1)
    assert (proof.runs, proof.reason) == (False, Reason.HUNG)
    proof = prove(script("#!/bin/sh\nyes CROSS | head -c 1000000\n"))
    assert (proof.runs, proof.reason) == (False, Reason.WRONG_OUTPUT)


def test_the_file_is_seen_however_short_the_program_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    look = _probe_run._file_run

    def look_late(process: int) -> tuple[int, int] | None:
        # As on a machine that is busy: a program of a millisecond would long be gone.
        time.sleep(0.2)
        return look(process)

    monkeypatch.setattr(_probe_run, "_file_run", look_late)
    assert execute([parse("amd64")])[parse("amd64")].file is not None


def test_without_p_the_name_is_lost(prove: Callable[..., Proof], qemu: Callable[[str], str]) -> None:
    proof = prove(qemu("arm"), "F")
    assert (proof.runs, proof.isolated, proof.argv0, proof.reason) == (True, True, False, Reason.ARGV0_LOST)


def test_without_f_it_runs_outside_of_containers_only(prove: Callable[..., Proof], qemu: Callable[[str], str]) -> None:
    proof = prove(qemu("arm"), "P")
    assert (proof.runs, proof.isolated, proof.argv0, proof.reason) == (True, False, True, Reason.NOT_FIXED)


def test_a_dynamic_interpreter_does_not_work_in_containers(prove: Callable[..., Proof]) -> None:
    proof = prove("/bin/echo", "F")
    assert (proof.runs, proof.isolated, proof.reason) == (False, False, Reason.WRONG_OUTPUT)


def test_the_interpreter_is_gone(prove: Callable[..., Proof], tmp_path: pathlib.Path) -> None:
    proof = prove(tmp_path / "absent")
    assert (proof.runs, proof.isolated, proof.reason) == (False, False, Reason.INTERPRETER_MISSING)


def test_a_fixed_interpreter_works_after_its_file_is_gone(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "emulator"
    shutil.copy(qemu("arm"), copy)
    (tmp_path / "binfmt_misc").mkdir()

    def work(instance: Instance) -> Proof:
        instance.register("arm", copy, "PF")
        copy.unlink()
        return execute([ARM])[ARM]

    proof = privately(work, tmp_path / "binfmt_misc")
    assert seen(proof) == Proof(True, isolated=True, argv0=True)
    assert proof.file is not None


def test_the_interpreter_is_not_executable(prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]) -> None:
    path = script("#!/bin/sh\n")
    path.chmod(0o644)
    # In a chroot the file is not visible: only in place is it found to be not executable.
    proof = prove(path)
    assert (proof.runs, proof.reason, proof.detail) == (False, Reason.DENIED, "Permission denied")


def test_the_interpreter_is_garbage(prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]) -> None:
    proof = prove(script("garbage"), "F")
    # The kernel says the same as where no entry is; the advice therefore names both.
    assert (proof.runs, proof.reason) == (False, Reason.NOT_REGISTERED)
    assert "names an interpreter that is no program of this host" in explain(proof)


def test_the_interpreter_is_for_yet_another_machine(
    prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]
) -> None:
    path = script("")
    path.write_bytes(probe_program(ARM.arch))
    proof = prove(path, "F")
    assert (proof.runs, proof.reason) == (False, Reason.REFUSED)
    assert "Too many levels" in proof.detail


def test_the_interpreter_crashes(prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]) -> None:
    proof = prove(script("#!/bin/sh\necho what a pity >&2\nkill -SEGV $$\n"))
    assert (proof.runs, proof.reason, proof.detail) == (False, Reason.CRASHED, "signal 11 (SIGSEGV): what a pity")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("exit 0", "status 0, output b''"),
        ("printf CROSS; exit 3", "status 3, output b'CROSS'"),
        ("printf CROSSED", "status 0, output b'CROSSED'"),
        ("echo no >&2; exit 1", "status 1, output b'': no"),
    ],
)
def test_the_interpreter_is_something_else(
    prove: Callable[..., Proof], script: Callable[[str], pathlib.Path], text: str, detail: str
) -> None:
    proof = prove(script(f"#!/bin/sh\n{text}\n"))
    assert (proof.runs, proof.reason, proof.detail) == (False, Reason.WRONG_OUTPUT, detail)


def test_a_hung_interpreter_is_killed_and_no_others_wait(
    script: Callable[[str], pathlib.Path], tmp_path: pathlib.Path
) -> None:
    record = tmp_path / "pid"
    path = script(f"#!/bin/sh\necho $$ > {record}\nsleep 60 &\nwait\n")
    (tmp_path / "binfmt_misc").mkdir()

    def work(instance: Instance) -> dict[str, Proof]:
        instance.register("arm", path)
        return {str(platform): proof for platform, proof in execute([ARM, parse("amd64")], timeout=2).items()}

    start = time.monotonic()
    proofs = privately(work, tmp_path / "binfmt_misc")
    assert time.monotonic() - start < 30
    assert seen(proofs["linux/arm/v7"]) == Proof(False, reason=Reason.HUNG, detail="no answer in time")
    assert seen(proofs["linux/amd64"]) == Proof(True, isolated=True, argv0=True)
    session = record.read_text().strip()
    alive = [path for path in pathlib.Path("/proc").glob("[0-9]*/stat") if _session(path) == session]
    assert alive == []


def _session(path: pathlib.Path) -> str:
    try:
        state, _parent, _group, session = path.read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return ""
    return "" if state == "Z" else session


def test_what_runs_in_the_background_keeps_nobody_waiting(
    prove: Callable[..., Proof], script: Callable[[str], pathlib.Path]
) -> None:
    start = time.monotonic()
    assert prove(script("#!/bin/sh\nsleep 20 &\nprintf CROSS\n")).runs
    assert time.monotonic() - start < 10


def test_a_disabled_entry(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()

    def work(instance: Instance) -> Proof:
        instance.register("arm", qemu("arm"), "PF")
        instance.disable("arm")
        return execute([ARM])[ARM]

    assert privately(work, tmp_path / "binfmt_misc").reason is Reason.NOT_REGISTERED


@pytest.mark.parametrize(("flags", "expected"), [("PF", False), ("PFC", True)])
def test_credentials(prove: Callable[..., Proof], qemu: Callable[[str], str], flags: str, expected: bool) -> None:
    proof = prove(qemu("arm"), flags, credentials=True)
    # Without root there is no second user to run as.
    assert proof == Proof(
        True, isolated=True, argv0=True, credentials=expected if ROOT else None, file=identity(qemu("arm"))
    )


def test_credentials_cannot_be_told_on_a_filesystem_that_ignores_them(
    qemu: Callable[[str], str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    (tmp_path / "nosuid").mkdir()
    monkeypatch.setattr(_probe_run, "_base", lambda: str(tmp_path / "nosuid"))

    def work(instance: Instance) -> Proof:
        instance.register("arm", qemu("arm"), "PFC")
        mount("tmpfs", tmp_path / "nosuid", MS_NOSUID | MS_NODEV)
        return execute([ARM], credentials=True)[ARM]

    assert seen(privately(work, tmp_path / "binfmt_misc")) == Proof(True, isolated=True, argv0=True, credentials=None)


def test_a_noexec_directory_is_passed_over(
    qemu: Callable[[str], str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    (tmp_path / "noexec").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "noexec"))

    def work(instance: Instance) -> tuple[Proof, str]:
        instance.register("arm", qemu("arm"), "PF")
        mount("tmpfs", tmp_path / "noexec", MS_NOEXEC)
        proof = execute([ARM])[ARM]
        monkeypatch.setattr(os.path, "isdir", lambda path: path == str(tmp_path / "noexec"))
        try:
            execute([ARM])
        except CrossbuildError as error:
            return proof, str(error)
        return proof, ""

    proof, message = privately(work, tmp_path / "binfmt_misc")
    assert proof.runs
    assert f"{tmp_path / 'noexec'} (noexec)" in message
    assert "/tmp (not writable)" in message


def lists(directory: pathlib.Path) -> Callable[..., dict[str, bool | None]]:
    """Whether the programs of 32 bits can list a directory, each emulated, and i386 natively as well."""

    def ask(instance: Instance, qemu: Callable[[str], str]) -> dict[str, bool | None]:
        narrow = [parse("arm"), parse("mipsel"), parse("i386")]
        native = execute([parse("i386")], directory=str(directory))[parse("i386")].readdir
        for platform in narrow:
            instance.register(platform.architecture, qemu(platform.arch.qemu), "PF")
        proofs = execute([*narrow, parse("arm64")], directory=str(directory))
        return {"native": native, **{platform.architecture: proof.readdir for platform, proof in proofs.items()}}

    return ask


def test_32_bit_programs_can_list_a_small_filesystem(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    (tmp_path / "small").mkdir()

    def work(instance: Instance) -> dict[str, bool | None]:
        mount("tmpfs", tmp_path / "small")
        for number in range(300):
            # More than the program reads at once.
            (tmp_path / "small" / f"{number:0200}").touch()
        return lists(tmp_path / "small")(instance, qemu)

    found = privately(work, tmp_path / "binfmt_misc")
    assert found == {"native": True, "arm": True, "mipsle": True, "386": True, "arm64": None}


def test_32_bit_programs_cannot_list_inode_numbers_of_64_bits(
    qemu: Callable[[str], str], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    for name in ("lower", "upper", "merged"):
        (tmp_path / name).mkdir()

    def work(instance: Instance) -> dict[str, bool | None]:
        for name in ("lower", "upper"):
            mount("tmpfs", tmp_path / name)
        for name in ("lower/files", "upper/files", "upper/work"):
            (tmp_path / name).mkdir()
        (tmp_path / "lower/files/one").touch()
        # Layers of two filesystems: with xino the upper bits of an inode number tell which one it is of.
        layers = (
            f"lowerdir={tmp_path}/lower/files,upperdir={tmp_path}/upper/files,workdir={tmp_path}/upper/work,xino=on"
        )
        mount("overlay", tmp_path / "merged", data=layers)
        return lists(tmp_path / "merged")(instance, qemu)

    found = privately(work, tmp_path / "binfmt_misc")
    # Natively the kernel itself says EOVERFLOW, or gives what does not fit.
    assert found == {"native": False, "arm": False, "mipsle": False, "386": False, "arm64": None}


@pytest.mark.parametrize("features", ["dir_index", "^dir_index"])
def test_ext4_with_hashed_directories(qemu: Callable[[str], str], tmp_path: pathlib.Path, features: str) -> None:
    if not ROOT:
        pytest.fail("Mounting an ext4 takes root.", pytrace=False)
    (tmp_path / "binfmt_misc").mkdir()
    (tmp_path / "disk").mkdir()
    image = tmp_path / "image"
    image.write_bytes(b"")
    os.truncate(image, 8 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", features, str(image)], check=True)

    def before() -> None:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(tmp_path / "disk")], check=True)

    found = privately(lambda instance: lists(tmp_path / "disk")(instance, qemu), tmp_path / "binfmt_misc", before)
    fits = features != "dir_index"
    # Natively the kernel knows that the program is one of 32 bits, and gives shorter hashes.
    assert found == {"native": True, "arm": fits, "mipsle": fits, "386": fits, "arm64": None}


def test_what_cannot_be_listed_is_not_judged(tmp_path: pathlib.Path) -> None:
    assert execute([parse("i386")], directory=str(tmp_path / "absent"))[parse("i386")].readdir is None


def describe(path: pathlib.Path) -> dict[str, object]:
    row: dict[str, object] = report([ARM], BinfmtMisc(str(path)), Environment(str(path)), "/")["details"][str(ARM)]
    return row


def test_an_own_table_hides_the_one_it_covers(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "binfmt_misc"
    path.mkdir()

    def work(instance: Instance) -> tuple[dict[str, object], dict[str, object]]:
        instance.register("arm", qemu("arm"), "PF")
        return describe(path), privately(lambda inner: describe(path), path)

    outside, inside = privately(work, path)
    assert (outside["status"], outside["reason"]) == ("emulated", None)
    assert (inside["status"], inside["reason"]) == ("unavailable", "wrong_instance")
    assert "hides another one" in str(inside["explanation"])


def test_the_table_that_is_seen_is_not_the_one_that_counts(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    path, elsewhere = tmp_path / "binfmt_misc", tmp_path / "elsewhere"
    path.mkdir()
    elsewhere.mkdir()

    def work(instance: Instance) -> dict[str, object]:
        instance.register("arm", qemu("arm"), "PF")
        return privately(lambda inner: describe(path), elsewhere)

    row = privately(work, path)
    assert row["reason"] == "wrong_instance"
    assert "has the entry test-arm, and the kernel does not heed it" in str(row["explanation"])


def test_an_upgraded_emulator_is_not_the_current_one(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    path, interpreter, new = tmp_path / "binfmt_misc", tmp_path / "emulator", tmp_path / "new"
    path.mkdir()
    for copy in (interpreter, new):
        shutil.copy(qemu("arm"), copy)

    def work(instance: Instance) -> list[object]:
        instance.register("arm", interpreter, "PF")
        before = describe(path)
        new.rename(interpreter)
        return [before["entry"], describe(path)["entry"]]

    entries = privately(work, path)
    assert [entry["current"] for entry in entries] == [True, False]  # type: ignore[index]


def test_every_architecture_is_executed(qemu: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    platforms = everything()

    def work(instance: Instance) -> tuple[float, dict[str, Proof]]:
        for platform in platforms:
            if platform.architecture not in NATIVE:
                instance.register(platform.architecture, qemu(platform.arch.qemu), "PF")
        start = processor_seconds()
        proofs = execute(platforms, credentials=ROOT, directory="/")
        return processor_seconds() - start, {str(platform): proof for platform, proof in proofs.items()}

    seconds, proofs = privately(work, tmp_path / "binfmt_misc")
    for name, proof in proofs.items():
        assert (proof.runs, proof.isolated, proof.argv0, proof.reason) == (True, True, True, None)
        assert proof.credentials is ((parse(name).architecture in NATIVE) if ROOT else None)
        assert (proof.readdir is None) is (parse(name).arch.bits == 64)
    assert list(proofs) == [str(platform) for platform in platforms]
    assert seconds < 0.05 * len(platforms)


def processor_seconds() -> float:
    """Of this process and the children it waited for. Unlike a clock it does not run on while the machine is busy."""
    return sum(os.times()[:4])


def test_they_run_side_by_side(script: Callable[[str], pathlib.Path], tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    slow = script("#!/bin/sh\nsleep 2\nprintf CROSS\n")
    platforms = [platform for platform in everything() if platform.architecture not in NATIVE]

    def work(instance: Instance) -> tuple[float, list[bool]]:
        for platform in platforms:
            instance.register(platform.architecture, slow)
        start = time.monotonic()
        proofs = execute(platforms, timeout=60)
        return time.monotonic() - start, [proof.runs for proof in proofs.values()]

    seconds, runs = privately(work, tmp_path / "binfmt_misc")
    assert runs == [True] * len(platforms)
    # One after the other they take two seconds each, in the chroot or in place.
    assert seconds < 2 * len(platforms)


def test_i386_is_emulated_where_it_is_registered(
    qemu: Callable[[str], str], script: Callable[[str], pathlib.Path], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "binfmt_misc").mkdir()
    broken = script("#!/bin/sh\nexit 9\n")
    i386 = parse("386")

    def work(instance: Instance) -> list[Proof]:
        native = execute([i386])[i386]
        instance.register("386", qemu("i386"), "F")
        emulated = execute([i386])[i386]
        (instance.path / "test-386").write_text("-1")
        instance.register("386", broken)
        return [native, emulated, execute([i386])[i386]]

    native, emulated, failed = privately(work, tmp_path / "binfmt_misc")
    assert seen(native) == Proof(True, isolated=True, argv0=True)
    assert emulated.reason is Reason.ARGV0_LOST
    assert (failed.reason, failed.detail) == (Reason.WRONG_OUTPUT, "status 9, output b''")


def test_variants_share_one_execution() -> None:
    platforms = [parse("amd64"), parse("amd64/v2"), parse("amd64")]
    assert list(execute(platforms)) == platforms[:2]
    assert execute([]) == {}


def test_without_the_right_to_chroot_it_runs_in_place(tmp_path: pathlib.Path) -> None:
    (tmp_path / "binfmt_misc").mkdir()

    def work(instance: Instance | None = None) -> Proof:
        if ROOT:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        return execute([parse("amd64")])[parse("amd64")]

    proof = privately(work, tmp_path / "binfmt_misc") if ROOT else work()
    assert seen(proof) == Proof(True, isolated=False, argv0=True)


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    old = os.umask(0o077)
    try:
        assert execute([parse("amd64")], credentials=True)[parse("amd64")].runs
    finally:
        os.umask(old)
    assert list(tmp_path.iterdir()) == []


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(Reason)
    assert all(remedy.endswith(".") for remedy in REMEDIES.values())
