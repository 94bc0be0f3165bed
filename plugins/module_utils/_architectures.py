# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The architectures: one table of what Docker, Debian, uname and QEMU call them, how programs are known, and a probe of each.

Adding one is adding a row here, and one to tests/unit/plugins/module_utils/data/architectures.json: see CONTRIBUTING.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Architecture:
    """An instruction set, as each of the worlds that meet here calls it.

    ``qemu`` is QEMU's name, ``docker`` Docker's, which is Go's GOARCH. ``debian`` maps a variant (or ``""``) to Debian's
    name for it; ``aliases`` maps further spellings, such as those of uname, to a variant. ``fedora`` is what the package of
    its emulators is called after there, where that is not QEMU's name. Kernels run programs of the same ``family`` without
    help.

    ``elf_machine`` and ``elf_flags`` are ``e_machine`` and ``e_flags`` of Debian's own programs, and say what the loader must
    know of the ABI: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html. ``deciding_flags`` are those bits of
    ``e_flags`` by which its programs differ from others of the same machine. ``mask`` tells where the mask of the kernel's
    entry departs from the common one, as offset: byte. These are the values of QEMU's scripts/qemu-binfmt-conf.sh, so that an
    entry written by it and one of ours are the same to the byte.

    ``probe`` is machine code in memory order: write(1, argv[0], 5), then exit(getuid() ^ geteuid()). The kernel starts a
    program with argc and argv on the stack. Only the oldest instructions: that of "arm" runs on an ARMv4.
    """

    qemu: str
    docker: str
    debian: dict[str, str]
    bits: int
    elf_machine: int
    probe: bytes
    big_endian: bool = False
    elf_flags: int = 0
    deciding_flags: int = 0
    mask: dict[int, int] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    default_variant: str = ""
    family: str = ""
    fedora: str = ""


ARCHITECTURES = (
    Architecture(
        qemu="arm",
        docker="arm",
        debian={"v7": "armhf", "v5": "armel"},
        aliases={
            "armv8l": "v7",
            "armv7l": "v7",
            "armv7": "v7",
            "arm32v7": "v7",
            "armv6l": "v6",
            "armv6": "v6",
            "arm32v6": "v6",
            "armv5tel": "v5",
            "armv5tejl": "v5",
            "armv5": "v5",
            "arm32v5": "v5",
        },
        variants=("v5", "v6", "v7"),
        default_variant="v7",
        family="arm",
        bits=32,
        elf_machine=40,
        elf_flags=0x05000000,  # EABI 5, neither soft nor hard float
        probe=bytes.fromhex(
            "0100a0e3"  # mov r0, #1
            "04109de5"  # ldr r1, [sp, #4]
            "0520a0e3"  # mov r2, #5
            "0470a0e3"  # mov r7, #4
            "000000ef"  # svc #0
            "c770a0e3"  # mov r7, #199
            "000000ef"  # svc #0
            "0040a0e1"  # mov r4, r0
            "c970a0e3"  # mov r7, #201
            "000000ef"  # svc #0
            "040020e0"  # eor r0, r0, r4
            "0170a0e3"  # mov r7, #1
            "000000ef"  # svc #0
        ),
    ),
    Architecture(
        qemu="aarch64",
        docker="arm64",
        debian={"": "arm64"},
        aliases={"arm64v8": ""},
        variants=("v8",),
        family="arm",
        bits=64,
        elf_machine=183,
        probe=bytes.fromhex(
            "200080d2"  # mov x0, #1
            "e10740f9"  # ldr x1, [sp, #8]
            "a20080d2"  # mov x2, #5
            "080880d2"  # mov x8, #64
            "010000d4"  # svc #0
            "c81580d2"  # mov x8, #174
            "010000d4"  # svc #0
            "f30300aa"  # mov x19, x0
            "e81580d2"  # mov x8, #175
            "010000d4"  # svc #0
            "000013ca"  # eor x0, x0, x19
            "a80b80d2"  # mov x8, #93
            "010000d4"  # svc #0
        ),
    ),
    Architecture(
        qemu="riscv64",
        docker="riscv64",
        debian={"": "riscv64"},
        fedora="riscv",
        bits=64,
        elf_machine=243,
        elf_flags=0x4,  # double float
        probe=bytes.fromhex(
            "13051000"  # li a0, 1
            "83358100"  # ld a1, 8(sp)
            "13065000"  # li a2, 5
            "93080004"  # li a7, 64
            "73000000"  # ecall
            "9308e00a"  # li a7, 174
            "73000000"  # ecall
            "93040500"  # mv s1, a0
            "9308f00a"  # li a7, 175
            "73000000"  # ecall
            "33459500"  # xor a0, a0, s1
            "9308d005"  # li a7, 93
            "73000000"  # ecall
        ),
    ),
    Architecture(
        qemu="ppc64le",
        docker="ppc64le",
        debian={"": "ppc64el"},
        fedora="ppc",
        bits=64,
        elf_machine=21,
        elf_flags=2,  # ELFv2: the entry point is code, not a descriptor
        mask={19: 0x00},
        probe=bytes.fromhex(
            "01006038"  # li 3, 1
            "080081e8"  # ld 4, 8(1)
            "0500a038"  # li 5, 5
            "04000038"  # li 0, 4
            "02000044"  # sc
            "18000038"  # li 0, 24
            "02000044"  # sc
            "781b6e7c"  # mr 14, 3
            "31000038"  # li 0, 49
            "02000044"  # sc
            "7872637c"  # xor 3, 3, 14
            "01000038"  # li 0, 1
            "02000044"  # sc
        ),
    ),
    Architecture(
        qemu="s390x",
        docker="s390x",
        debian={"": "s390x"},
        bits=64,
        big_endian=True,
        elf_machine=22,
        probe=bytes.fromhex(
            "a7290001"  # lghi %r2, 1
            "e330f0080004"  # lg %r3, 8(%r15)
            "a7490005"  # lghi %r4, 5
            "0a04"  # svc 4
            "0ac7"  # svc 199
            "b9040062"  # lgr %r6, %r2
            "0ac9"  # svc 201
            "b9820026"  # xgr %r2, %r6
            "0a01"  # svc 1
        ),
    ),
    Architecture(
        qemu="mips64el",
        docker="mips64le",
        debian={"": "mips64el"},
        fedora="mips",
        family="mips",
        bits=64,
        elf_machine=8,
        elf_flags=0x80000007,  # n64, MIPS64 release 2
        mask={8: 0x00},
        probe=bytes.fromhex(
            "0800a5df"  # ld $a1, 8($sp)
            "01000424"  # li $a0, 1
            "05000624"  # li $a2, 5
            "89130224"  # li $v0, 5001
            "0c000000"  # syscall
            "ec130224"  # li $v0, 5100
            "0c000000"  # syscall
            "25804000"  # move $s0, $v0
            "f1130224"  # li $v0, 5105
            "0c000000"  # syscall
            "26205000"  # xor $a0, $v0, $s0
            "c2130224"  # li $v0, 5058
            "0c000000"  # syscall
        ),
    ),
    Architecture(
        qemu="mipsel",
        docker="mipsle",
        debian={"": "mipsel"},
        fedora="mips",
        family="mips",
        bits=32,
        elf_machine=8,
        elf_flags=0x70001007,  # o32, MIPS32 release 2
        deciding_flags=0x20,  # EF_MIPS_ABI2, which programs of n32 have, and those of o32 do not
        mask={8: 0x00},
        probe=bytes.fromhex(
            "0400a58f"  # lw $a1, 4($sp)
            "01000424"  # li $a0, 1
            "05000624"  # li $a2, 5
            "a40f0224"  # li $v0, 4004
            "0c000000"  # syscall
            "b80f0224"  # li $v0, 4024
            "0c000000"  # syscall
            "25804000"  # move $s0, $v0
            "d10f0224"  # li $v0, 4049
            "0c000000"  # syscall
            "26205000"  # xor $a0, $v0, $s0
            "a10f0224"  # li $v0, 4001
            "0c000000"  # syscall
        ),
    ),
    Architecture(
        qemu="loongarch64",
        docker="loong64",
        debian={"": "loong64"},
        bits=64,
        elf_machine=258,
        elf_flags=0x43,  # object ABI 1, double float
        mask={7: 0xFC, 8: 0x00},
        probe=bytes.fromhex(
            "04048002"  # li.w a0, 1
            "6520c028"  # ld.d a1, sp, 8
            "06148002"  # li.w a2, 5
            "0b008102"  # li.w a7, 64
            "00002b00"  # syscall 0
            "0bb88202"  # li.w a7, 174
            "00002b00"  # syscall 0
            "97001500"  # move s0, a0
            "0bbc8202"  # li.w a7, 175
            "00002b00"  # syscall 0
            "84dc1500"  # xor a0, a0, s0
            "0b748102"  # li.w a7, 93
            "00002b00"  # syscall 0
        ),
    ),
    Architecture(
        qemu="i386",
        docker="386",
        debian={"": "i386"},
        aliases={"i486": "", "i586": "", "i686": "", "x86": ""},
        fedora="x86",
        family="x86",
        bits=32,
        elf_machine=3,
        mask={5: 0xFE, 6: 0xFE},
        probe=bytes.fromhex(
            "6a04"  # push $4
            "58"  # pop %eax
            "6a01"  # push $1
            "5b"  # pop %ebx
            "8b4c2404"  # mov 4(%esp), %ecx
            "6a05"  # push $5
            "5a"  # pop %edx
            "cd80"  # int $0x80
            "b8c7000000"  # mov $199, %eax
            "cd80"  # int $0x80
            "93"  # xchg %eax, %ebx
            "b8c9000000"  # mov $201, %eax
            "cd80"  # int $0x80
            "31c3"  # xor %eax, %ebx
            "6a01"  # push $1
            "58"  # pop %eax
            "cd80"  # int $0x80
        ),
    ),
    Architecture(
        qemu="x86_64",
        docker="amd64",
        debian={"": "amd64"},
        aliases={"x86-64": ""},
        variants=("v2", "v3", "v4"),
        fedora="x86",
        family="x86",
        bits=64,
        elf_machine=62,
        mask={5: 0xFE, 6: 0xFE},
        probe=bytes.fromhex(
            "6a01"  # push $1
            "58"  # pop %rax
            "6a01"  # push $1
            "5f"  # pop %rdi
            "488b742408"  # mov 8(%rsp), %rsi
            "6a05"  # push $5
            "5a"  # pop %rdx
            "0f05"  # syscall
            "6a66"  # push $102
            "58"  # pop %rax
            "0f05"  # syscall
            "93"  # xchg %eax, %ebx
            "6a6b"  # push $107
            "58"  # pop %rax
            "0f05"  # syscall
            "31d8"  # xor %ebx, %eax
            "97"  # xchg %eax, %edi
            "6a3c"  # push $60
            "58"  # pop %rax
            "0f05"  # syscall
        ),
    ),
)
