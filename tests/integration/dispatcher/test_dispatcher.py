# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator that begins with the dispatcher, beside the one of the package, in a root directory with ARM programs.

Needs what test_probe.py needs, CROSSBUILD_ARMHF_BUSYBOX, and gcc. Everything that the two do must be the same, but where
there is a native program.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dispatcher
from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tools import PREFIX
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._probe_programs import probe_program, program
from ansible_collections.trusted.crossbuild.tests.integration.private_binfmt import (
    LIBC,
    ROOT,
    Instance,
    mount,
    privately,
)

SOURCE = (pathlib.Path(__file__).parents[3] / "roles/accelerator/files/dispatcher.c").read_text()
MS_BIND, MS_REC = 4096, 16384
ADDR_NO_RANDOMIZE = 0x0040000
SHOWN = 7  # the exit status of the programs that show
USER = 1000
EMUL = PREFIX + "/emul"
ENVIRONMENT = {"PATH": "/bin", "EMPTY": "", "ODD NAME": "a=b\n"}
T = TypeVar("T")

# They write the address of their stack and what is on it, up to its end, and exit with SHOWN.
SHOW_ARM = bytes.fromhex(
    "0d40a0e1"  # mov r4, sp
    "04402de5"  # push {r4}
    "0d10a0e1"  # mov r1, sp
    "0420a0e3"  # mov r2, #4
    "0100a0e3"  # loop: mov r0, #1
    "0470a0e3"  # mov r7, #4
    "000000ef"  # svc #0
    "0410a0e1"  # mov r1, r4
    "1020a0e3"  # mov r2, #16
    "104084e2"  # add r4, r4, #16
    "000050e3"  # cmp r0, #0
    "f7ffffca"  # bgt loop
    "0700a0e3"  # mov r0, #7
    "0170a0e3"  # mov r7, #1
    "000000ef"  # svc #0
)
SHOW_X86_64 = bytes.fromhex(
    "4889e3"  # mov %rsp, %rbx
    "53"  # push %rbx
    "4889e6"  # mov %rsp, %rsi
    "6a085a"  # push $8; pop %rdx
    "6a0158"  # loop: push $1; pop %rax
    "6a015f"  # push $1; pop %rdi
    "0f05"  # syscall
    "4889de"  # mov %rbx, %rsi
    "6a105a"  # push $16; pop %rdx
    "4883c310"  # add $16, %rbx
    "85c0"  # test %eax, %eax
    "7fea"  # jg loop
    "6a075f"  # push $7; pop %rdi
    "6a3c58"  # push $60; pop %rax
    "0f05"  # syscall
)
NATIVE_SHOW = program(parse("amd64").arch, SHOW_X86_64)
AT_EXECFN, AT_NAMES = 31, {15: "platform", 31: "file name"}
AT_ADDRESSES = {25, 33}  # the random bytes, the vDSO

# Native programs, by a function that makes a system call.
SYSTEM_CALL = """\
static long call(long number, long first, void *second, void *third)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl _start\\n_start: mov %rsp, %rdi; call begin\\n");
"""
# One that writes the numbers of the open files, a byte each.
LISTS = """\
void begin(long *stack)
{
    for (unsigned char number = 0; number < 200; number++)
        if (call(72, number, (void *)1, 0) >= 0) /* fcntl, F_GETFD */
            call(1, 1, &number, (void *)1);
    call(60, 0, 0, 0);
}
"""
# One that never fits: it executes the foreign program again, with the mark.
DECLINES = """\
void begin(long *stack)
{
    static char marked[256] = "\\1";
    char **argv = (char **)(stack + 1), **envp = argv + stack[0] + 1, *path = 0, *from = argv[0];
    long *auxiliary = (long *)envp;
    for (char *to = marked + 1; (*to = *from); to++, from++) ;
    argv[0] = marked;
    while (*auxiliary++) ;
    for (; *auxiliary; auxiliary += 2)
        if (*auxiliary == 31) /* AT_EXECFN */
            path = (char *)auxiliary[1] + sizeof "PREFIX/emul" - 1;
    call(59, (long)path, argv, envp);
    __builtin_trap();
}
""".replace("PREFIX", PREFIX)


@dataclass(frozen=True)
class Ran:
    """``status`` as of subprocess; that of a program that was not executed is the name of the error."""

    status: int | str
    output: bytes = b""
    errors: bytes = b""


@dataclass(frozen=True)
class Shown:
    argv: list[str]
    environment: list[str]
    auxiliary: dict[int | str, int | str]


def shown(ran: Ran, word: str = "I") -> Shown:
    """What a program was started with; a word is "I" in ARM's, and "Q" in native ones."""
    assert ran.status == SHOWN, ran
    size = struct.calcsize(word)
    (base,) = struct.unpack_from("<" + word, ran.output)
    stack = ran.output[size:]

    def text(address: int) -> str:
        return os.fsdecode(stack[address - base :].split(b"\0")[0])

    words = [value for (value,) in struct.iter_unpack("<" + word, stack[: len(stack) // size * size])]
    argv_end = words.index(0, 1)
    environment_end = words.index(0, argv_end + 1)
    assert words[0] == argv_end - 1
    auxiliary: dict[int | str, int | str] = {}
    for at in range(environment_end + 1, len(words), 2):
        if words[at] == 0:
            break
        if words[at] in AT_NAMES:
            auxiliary[AT_NAMES[words[at]]] = text(words[at + 1])
        elif words[at] not in AT_ADDRESSES:
            auxiliary[words[at]] = words[at + 1]
    return Shown(
        [text(address) for address in words[1:argv_end]],
        [text(address) for address in words[argv_end + 1 : environment_end]],
        auxiliary,
    )


class Room:
    """A root directory with ARM programs, in which others are executed."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def run(
        self,
        argv: list[str],
        executable: str | None = None,
        *,
        cwd: str = "/",
        by_descriptor: bool = False,
        user: int | None = None,
        keep: tuple[int, ...] = (),
    ) -> Ran:
        """Executes a program; ``by_descriptor`` with execveat, of a file that is open and has no name."""

        def enter() -> None:
            os.chroot(self.root)
            os.chdir(cwd)
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            if by_descriptor:
                descriptor = os.open(executable or argv[0], os.O_RDONLY)
                os.set_inheritable(descriptor, True)
                os.execve(descriptor, argv, ENVIRONMENT)

        try:
            done = subprocess.run(
                argv,
                executable=executable,
                env=ENVIRONMENT,
                preexec_fn=enter,
                pass_fds=keep,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=False,
            )
        except OSError as error:
            return Ran(error.strerror or "")
        return Ran(done.returncode, done.stdout, done.stderr)

    def shell(self, text: str) -> Ran:
        return self.run(["sh", "-c", text], "/bin/sh")

    def run_with_an_open_file(self, argv: list[str], executable: str) -> Ran:
        """The file is number 9."""
        reading, writing = os.pipe()
        try:
            return self.run(argv, executable, keep=(os.dup2(reading, 9),))
        finally:
            for one in (reading, writing, 9):
                os.close(one)

    def accelerate(self, path: str, content: bytes | None, mode: int = 0o755) -> None:
        """Puts a native program in the place of ``path``; None makes it a directory."""
        native = pathlib.Path(f"{self.root}{EMUL}{path}")
        native.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            native.mkdir()
        else:
            native.write_bytes(content)
            native.chmod(mode)


# What a program can see or do, by what it is about.
BEHAVIOURS: dict[str, Callable[[Room], object]] = {
    "arguments": lambda room: shown(room.run(["/bin/show", "one", "", "two words", "\udcff"])),
    "argv[0]": lambda room: shown(room.run(["-name of its own"], "/bin/show")),
    "an empty argv[0]": lambda room: shown(room.run(["", "x"], "/bin/show")),
    "many arguments": lambda room: shown(room.run(["show", *map(str, range(5000))], "/bin/show")),
    "a link": lambda room: shown(room.run(["link"], "/link")),
    "a link to a link": lambda room: shown(room.run(["link"], "/directory/link")),
    "a relative path": lambda room: shown(room.run(["./show"], cwd="/bin")),
    "a path with dots": lambda room: shown(room.run(["/bin/../directory/.././bin//show"])),
    "a look-up in PATH": lambda room: shown(room.shell("show x")),
    "an open file": lambda room: shown(room.run(["x"], "/bin/show", by_descriptor=True)),
    "a script": lambda room: room.run(["/script", "a b", ""]),
    "a script that is an open file": lambda room: room.run(["x", "a"], "/script", by_descriptor=True),
    "a script of a link": lambda room: shown(room.run(["/shown", "a"])),
    "a script by a relative path": lambda room: room.run(["./script", "a"]),
    "/proc/self/exe": lambda room: room.run(["readlink", "/proc/self/exe"], "/link_to_busybox"),
    "/proc/self/cmdline": lambda room: room.run(["cat", "/proc/self/cmdline"], "/bin/busybox"),
    "comm": lambda room: room.run(["cat", "/proc/self/comm"], "/link_to_busybox"),
    "comm of an open file": lambda room: room.run(["cat", "/proc/self/comm"], "/bin/busybox", by_descriptor=True),
    "environment": lambda room: room.run(["env"], "/bin/busybox"),
    "open files": lambda room: room.run_with_an_open_file(["sh", "-c", "echo /proc/self/fd/*"], "/bin/sh"),
    "state": lambda room: room.shell(
        "umask 27; grep -Ev '^(T?g?id|N?S?s?pid|PPid|N?S?p?g?id|Vm|Rss|.*ctxt|Ngid|.*pid)' "
        "/proc/self/status | grep -E '^(Name|Uid|Gid|Groups|Umask|Sig|Shd|Cap|NoNew|Seccomp|Threads)'"
    ),
    "limits": lambda room: room.shell("ulimit -n 77; ulimit -c 0; sh -c 'ulimit -a'"),
    "exit status": lambda room: room.shell("exit 200"),
    "a signal": lambda room: room.shell("kill -TERM $$"),
    "a crash": lambda room: room.shell("ulimit -c 0; kill -SEGV $$"),
    "pipes": lambda room: room.shell("echo a | sed s/a/b/ | tr b c; (exit 3) | cat; true & wait $!; echo $?"),
    "a file that is missing": lambda room: room.run(["/bin/missing"]),
    "a directory": lambda room: room.run(["/bin"]),
    "a file that is not executable": lambda room: room.run(["/data"]),
    "a damaged program": lambda room: room.run(["/damaged"]),
}

# What a container has, by what it is: None is no accelerator.
NATIVE: dict[str, dict[str, bytes] | None] = {
    "without an accelerator": None,
    "with one that has none of the programs": {"/bin/other": NATIVE_SHOW, "/link": NATIVE_SHOW, "/script": NATIVE_SHOW},
}


@pytest.fixture(scope="module")
def dispatcher(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The copy of an emulator that begins with the dispatcher."""
    directory = tmp_path_factory.mktemp("dispatcher")

    def copy(emulator: str) -> str:
        path = directory / pathlib.Path(_dispatcher.path(emulator)).name
        if not path.exists():
            _dispatcher.make(str(path), emulator, SOURCE)
        return str(path)

    return copy


@pytest.fixture
def room(tmp_path: pathlib.Path, busybox: pathlib.Path) -> Room:
    (tmp_path / "binfmt_misc").mkdir()
    root = tmp_path / "root"
    for name in ("bin", "dev", "proc", "directory"):
        (root / name).mkdir(parents=True)
    shutil.copy(busybox, root / "bin/busybox")
    for name in ("sh", "cat", "env", "grep", "kill", "ls", "readlink", "sed", "tr", "true"):
        (root / "bin" / name).symlink_to("busybox")
    arm = parse("arm").arch
    files = {
        "bin/show": program(arm, SHOW_ARM),
        "bin/ids": probe_program(arm),
        "script": b'#!/bin/sh -e\ncat /proc/$$/comm; tr "\\0" "\\n" < /proc/$$/cmdline; printf "[%s]" "$0" "$@"; exit 5\n',
        "shown": b"#!/link one argument\n",
        "damaged": program(arm, SHOW_ARM)[:70],
        "data": b"data",
    }
    for name, content in files.items():
        (root / name).write_bytes(content)
        (root / name).chmod(0o644 if name == "data" else 0o755)
    (root / "link").symlink_to("/bin/show")
    (root / "directory/link").symlink_to("../link")
    (root / "link_to_busybox").symlink_to("bin/busybox")
    root.chmod(0o755)
    return Room(root)


def inside(
    room: Room,
    emulator: str,
    work: Callable[[Room], T],
    native: dict[str, bytes] | None = None,
    *,
    flags: str = "PF",
    proc: bool = True,
) -> T:
    """What ``work`` returns where ``emulator`` runs ARM's programs; ``native`` are those of an accelerator, by path."""

    def set_up(instance: Instance) -> T:
        if proc:
            mount("", room.root / "proc", MS_BIND | MS_REC, source="/proc")
        mount("tmpfs", room.root / "dev", data="mode=755")
        # By this name the kernel has an interpreter open what execveat was given.
        (room.root / "dev/fd").symlink_to("/proc/self/fd")
        for path, content in (native or {}).items():
            room.accelerate(path, content)
        # QEMU calls itself by the name in the entry.
        instance.register("arm", os.path.realpath(emulator), flags)
        return work(room)

    return privately(set_up, room.root.parent / "binfmt_misc")


@pytest.mark.parametrize("container", NATIVE)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_what_is_not_accelerated_is_as_before(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], behaviour: str, container: str
) -> None:
    plain = inside(room, qemu("arm"), BEHAVIOURS[behaviour], NATIVE[container])
    assert inside(room, dispatcher(qemu("arm")), BEHAVIOURS[behaviour], NATIVE[container]) == plain
    # That both fail in the same way would be no proof.
    assert "Exec format error" not in str(plain) or behaviour == "a damaged program"


# Ways to execute /bin/show, with the argv that the native program must see.
WAYS: dict[str, tuple[Callable[[Room], Ran], list[str]]] = {
    "its path": (lambda room: room.run(["/bin/show", "", "x"]), ["/bin/show", "", "x"]),
    "a name of its own": (lambda room: room.run(["-other"], "/bin/show"), ["-other"]),
    "an empty argv[0]": (lambda room: room.run([""], "/bin/show"), [""]),
    "a link to a link": (lambda room: room.run(["link"], "/directory/link"), ["link"]),
    "a relative path": (lambda room: room.run(["./show"], cwd="/bin"), ["./show"]),
    "PATH": (lambda room: room.shell("show x"), ["show", "x"]),
    "an open file": (lambda room: room.run(["x"], "/bin/show", by_descriptor=True), ["x"]),
    "a script": (lambda room: room.run(["/shown", "a"]), ["/link", "one argument", "/shown", "a"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_native_program_is_started_as_the_foreign_one_is(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], way: str
) -> None:
    execute, argv = WAYS[way]
    emulated = shown(inside(room, qemu("arm"), execute))
    native = shown(inside(room, dispatcher(qemu("arm")), execute, {"/bin/show": NATIVE_SHOW}), "Q")
    assert native.argv == argv == emulated.argv
    assert native.auxiliary["file name"] == EMUL + "/bin/show"
    # QEMU gives it in another order.
    assert sorted(native.environment) == sorted(emulated.environment)


@pytest.mark.parametrize("what", ["a directory", "not executable", "no program", "another path", "no /proc"])
def test_the_foreign_program_runs_where_the_native_one_cannot(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], what: str
) -> None:
    content = {"a directory": None, "no program": b"text\n"}.get(what, NATIVE_SHOW)
    mode = 0o644 if what == "not executable" else 0o755
    path = "/show" if what == "another path" else "/bin/show"

    def work(room: Room) -> Ran:
        room.accelerate(path, content, mode)
        return room.run(["/bin/show", "x"])

    ran = inside(room, dispatcher(qemu("arm")), work, proc=what != "no /proc")
    assert shown(ran).argv == ["/bin/show", "x"]
    assert shown(ran) == shown(inside(room, qemu("arm"), work, proc=what != "no /proc"))


@pytest.mark.parametrize("length", [4060, 4094, 4200])
def test_paths_that_are_too_long(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], length: int
) -> None:
    count, rest = divmod(length - len("/show"), 101)
    names = ["d" * 100] * (count - 1) + ["d" * (100 + rest)]

    def work(room: Room) -> Ran:
        os.chdir(room.root)
        for name in names:
            os.mkdir(name)
            os.chdir(name)
        pathlib.Path("show").write_bytes((room.root / "bin/show").read_bytes())
        pathlib.Path("show").chmod(0o755)
        ran = room.run(["./show"], cwd=".")
        # The kernel's limit is one of names, not of files; pytest's own clean-up would meet it.
        subprocess.run(["rm", "-r", str(room.root / names[0])], check=True)
        return ran

    ran = inside(room, dispatcher(qemu("arm")), work, {"/bin/other": NATIVE_SHOW})
    assert shown(ran) == shown(inside(room, qemu("arm"), work))


def test_a_program_that_was_removed(room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str]) -> None:
    shutil.copy(room.root / "bin/show", room.root / "bin/gone")

    def work(room: Room) -> Ran:
        room.accelerate("/bin/gone", NATIVE_SHOW)
        descriptor = os.open(room.root / "bin/gone", os.O_RDONLY)
        os.unlink(room.root / "bin/gone")
        return room.run(["x"], f"/proc/self/fd/{descriptor}", keep=(descriptor,))

    assert shown(inside(room, dispatcher(qemu("arm")), work)).argv == ["x"]


def compiled(text: str, path: pathlib.Path, *options: str) -> bytes:
    command = ["gcc", "-x", "c", "-Os", "-ffreestanding", "-nostdlib", "-static", *options, "-o", str(path), "-"]
    subprocess.run(command, input=SYSTEM_CALL + text, text=True, check=True)
    return path.read_bytes()


@pytest.mark.parametrize("flags", ["PF", "POF"])
def test_open_files_are_those_of_the_caller(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], tmp_path: pathlib.Path, flags: str
) -> None:
    native = {"/bin/show": compiled(LISTS, tmp_path / "lists")}

    def work(room: Room) -> Ran:
        return room.run_with_an_open_file(["x"], "/bin/show")

    assert inside(room, dispatcher(qemu("arm")), work, native, flags=flags) == Ran(0, bytes([0, 1, 2, 9]))


def test_a_program_that_may_be_executed_but_not_read(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str]
) -> None:
    # QEMU reads it by the file that the kernel has opened for it (flag O).
    (room.root / "bin/show").chmod(0o711)

    def work(room: Room) -> Shown:
        return shown(room.run(["x"], "/bin/show", user=USER if ROOT else None))

    for native in NATIVE.values():
        assert inside(room, dispatcher(qemu("arm")), work, native, flags="POF").argv == ["x"]


def test_one_that_declines(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], tmp_path: pathlib.Path
) -> None:
    declines = compiled(DECLINES, tmp_path / "declines")
    native = {"/bin/show": declines, "/bin/busybox": declines}

    def work(room: Room) -> list[object]:
        return [
            shown(room.run(["-name", "", "x"], "/bin/show")),
            room.run(["cat", "/proc/self/cmdline"], "/bin/busybox"),
            room.run(["readlink", "/proc/self/exe"], "/bin/busybox"),
            room.shell("echo a | sed s/a/b/; show; exit 9").status,
            room.shell("kill -TERM $$").status,
        ]

    emulated = inside(room, qemu("arm"), work)
    assert inside(room, dispatcher(qemu("arm")), work, native) == emulated
    assert emulated[3:] == [9, -signal.SIGTERM]


def test_the_mark_means_something_only_where_there_is_an_accelerator(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str]
) -> None:
    def work(room: Room) -> list[str]:
        return shown(room.run(["\1name", "\1x"], "/bin/show")).argv

    copy = dispatcher(qemu("arm"))
    assert inside(room, copy, work) == inside(room, qemu("arm"), work) == ["\1name", "\1x"]
    assert inside(room, copy, work, {"/bin/show": NATIVE_SHOW}) == ["name", "\1x"]


@pytest.mark.parametrize("flags", ["PF", "PFC"])
def test_nobody_gets_rights_by_a_native_program(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str], flags: str
) -> None:
    assert ROOT, "there is no second user without root: run this as root"
    (room.root / "bin/ids").chmod(0o4755)

    def work(room: Room) -> Ran:
        return room.run(["CROSS"], "/bin/ids", user=USER)

    # With C the program has its owner's rights, and whoever could place a native one would have them.
    elevated = flags == "PFC"
    for emulator in (qemu("arm"), dispatcher(qemu("arm"))):
        assert inside(room, emulator, work, flags=flags) == Ran(USER % 256 if elevated else 0, b"CROSS")
    ran = inside(room, dispatcher(qemu("arm")), work, {"/bin/ids": NATIVE_SHOW}, flags=flags)
    assert ran.status == (USER % 256 if elevated else SHOWN)
    if not elevated:
        user = shown(ran, "Q").auxiliary
        assert (user[11], user[12], user[23]) == (USER, USER, 0)  # AT_UID, AT_EUID, AT_SECURE


def test_started_by_hand_it_is_qemu(room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str]) -> None:
    copy = dispatcher(qemu("arm"))
    shutil.copy(copy, room.root / "bin/qemu")

    def work(room: Room) -> Ran:
        return room.run(["qemu", "/bin/show", "x"], "/bin/qemu")

    assert shown(inside(room, copy, work, {"/bin/show": NATIVE_SHOW})).argv == ["/bin/show", "x"]
    said = [subprocess.run([one, "--version"], capture_output=True, check=True).stdout for one in (copy, qemu("arm"))]
    assert said[0] == said[1]


# Takes the place of an emulator, and writes the 16 registers that it begins with, the stack pointer first.
REGISTERS = (
    '__asm__(".globl first\\nfirst:'
    + "".join(
        f" push %r{name};"
        for name in ["sp", "ax", "bx", "cx", "dx", "si", "di", "bp", "8", "9", "10", "11", "12", "13", "14", "15"]
    )
    + ' mov %rsp, %rdi; call begin\\n");'
    "void begin(long *pushed) { call(1, 1, pushed, (void *)128); call(60, 0, 0, 0); }"
)


@pytest.mark.parametrize("container", NATIVE)
def test_registers_and_stack_are_as_the_kernel_left_them(
    room: Room, dispatcher: Callable[[str], str], tmp_path: pathlib.Path, container: str
) -> None:
    plain = tmp_path / "emulator"
    compiled(REGISTERS, plain, "-Wl,--entry=first")
    _dispatcher.make(str(tmp_path / "emulated"), str(plain), SOURCE)

    def work(room: Room) -> tuple[int, ...]:
        LIBC.personality(ADDR_NO_RANDOMIZE)
        return struct.unpack("16Q", room.run(["/bin/show"]).output)

    both = [inside(room, str(path), work, NATIVE[container]) for path in (plain, tmp_path / "emulated")]
    # Names of the same length make stacks of the same length.
    assert len("emulator") == len("emulated")
    assert [hex(value) for value in both[0]] == [hex(value) for value in both[1]]


def test_no_page_of_the_copy_is_writable_and_executable(
    room: Room, qemu: Callable[[str], str], dispatcher: Callable[[str], str]
) -> None:
    copy = dispatcher(qemu("arm"))

    def work(room: Room) -> str:
        process = subprocess.Popen(
            ["/bin/cat"], preexec_fn=lambda: os.chroot(room.root), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdin and process.stdout
        process.stdin.write(b"x")
        process.stdin.flush()
        process.stdout.read(1)
        maps = pathlib.Path(f"/proc/{process.pid}/maps").read_text()
        process.communicate()
        return maps

    maps = [line.split() for line in inside(room, copy, work).splitlines()]
    ours = [line[1] for line in maps if line[-1] == copy]
    assert "r-xp" in ours
    assert not [modes for modes in ours if re.match(".wx", modes)]
