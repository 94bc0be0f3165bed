# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of the 32-bit architectures that tell whether a directory can be listed by their like.

The kernel gives inode number and position of a directory entry in 64 bits each. The C library's readdir, in a program
built without large-file support, has 32 for them, the position signed, and fails with EOVERFLOW where one does not fit:
https://sourceware.org/bugzilla/show_bug.cgi?id=23960. To a 32-bit program the kernel gives smaller positions where it
can, but under QEMU's user mode it serves a 64-bit one: ext4 then gives hashes of 64 bits. See
https://gitlab.com/qemu-project/qemu/-/issues/263 and https://bugs.launchpad.net/qemu/+bug/1805913.
"""

from __future__ import annotations

from ._architectures import Architecture
from ._probe_programs import program

# How the programs exit; any other status tells that the directory could not be read.
FITS, OVERFLOWS = 0, 1

# Machine code in memory order, keyed by QEMU's name: open("."), then getdents64 into 4096 bytes of the stack until it
# gives nothing. Of every entry (inode number at byte 0, position at 8, its own length at 16) what the lower halves do
# not tell is gathered: the upper half of the inode number, and that of the position but for copies of the sign.
_CODE = {
    "arm": bytes.fromhex(
        "7c008fe2"  # add r0, pc, #124
        "0010a0e3"  # mov r1, #0
        "0570a0e3"  # mov r7, #5
        "000000ef"  # svc #0
        "0040a0e1"  # mov r4, r0
        "0050a0e3"  # mov r5, #0
        "01da4de2"  # sub sp, sp, #4096
        "0400a0e1"  # next: mov r0, r4
        "0d10a0e1"  # mov r1, sp
        "012aa0e3"  # mov r2, #4096
        "d970a0e3"  # mov r7, #217
        "000000ef"  # svc #0
        "000050e3"  # cmp r0, #0
        "0200a0b3"  # movlt r0, #2
        "0f0000ba"  # blt exit
        "0c00000a"  # beq done
        "0d60a0e1"  # mov r6, sp
        "00808de0"  # add r8, sp, r0
        "041096e5"  # entry: ldr r1, [r6, #4]
        "015085e1"  # orr r5, r5, r1
        "081096e5"  # ldr r1, [r6, #8]
        "0c2096e5"  # ldr r2, [r6, #12]
        "c11f22e0"  # eor r1, r2, r1, asr #31
        "015085e1"  # orr r5, r5, r1
        "b011d6e1"  # ldrh r1, [r6, #16]
        "016086e0"  # add r6, r6, r1
        "080056e1"  # cmp r6, r8
        "f5ffff3a"  # blo entry
        "e9ffffea"  # b next
        "000055e3"  # done: cmp r5, #0
        "0100a013"  # movne r0, #1
        "0170a0e3"  # exit: mov r7, #1
        "000000ef"  # svc #0
        "2e00"  # path: "."
    ),
    "mipsel": bytes.fromhex(
        "01001104"  # bal here
        "00000524"  # li $a1, 0
        "8000e427"  # here: addiu $a0, $ra, 128
        "a50f0224"  # li $v0, 4005
        "0c000000"  # syscall
        "25804000"  # move $s0, $v0
        "00001124"  # li $s1, 0
        "00f0bd27"  # addiu $sp, $sp, -4096
        "25200002"  # next: move $a0, $s0
        "2528a003"  # move $a1, $sp
        "00100624"  # li $a2, 4096
        "7b100224"  # li $v0, 4219
        "0c000000"  # syscall
        "1200e014"  # bnez $a3, exit
        "02000424"  # li $a0, 2
        "10004010"  # beqz $v0, exit
        "2b201100"  # sltu $a0, $zero, $s1
        "2590a003"  # move $s2, $sp
        "2198a203"  # addu $s3, $sp, $v0
        "0400488e"  # entry: lw $t0, 4($s2)
        "25882802"  # or $s1, $s1, $t0
        "0800488e"  # lw $t0, 8($s2)
        "c3470800"  # sra $t0, $t0, 31
        "0c00498e"  # lw $t1, 12($s2)
        "26400901"  # xor $t0, $t0, $t1
        "25882802"  # or $s1, $s1, $t0
        "10004896"  # lhu $t0, 16($s2)
        "21904802"  # addu $s2, $s2, $t0
        "f6ff5316"  # bne $s2, $s3, entry
        "00000000"  # nop
        "e9ff0010"  # b next
        "00000000"  # nop
        "a10f0224"  # exit: li $v0, 4001
        "0c000000"  # syscall
        "2e00"  # path: "."
    ),
    "i386": bytes.fromhex(
        "6a2e"  # push $'.'
        "89e3"  # mov %esp, %ebx
        "31c9"  # xor %ecx, %ecx
        "6a05"  # push $5
        "58"  # pop %eax
        "cd80"  # int $0x80
        "89c7"  # mov %eax, %edi
        "31f6"  # xor %esi, %esi
        "81ec00100000"  # sub $4096, %esp
        "b8dc000000"  # next: mov $220, %eax
        "89fb"  # mov %edi, %ebx
        "89e1"  # mov %esp, %ecx
        "ba00100000"  # mov $4096, %edx
        "cd80"  # int $0x80
        "85c0"  # test %eax, %eax
        "7820"  # js fail
        "7423"  # je done
        "89e1"  # mov %esp, %ecx
        "01c8"  # add %ecx, %eax
        "0b7104"  # entry: or 0x4(%ecx), %esi
        "8b5108"  # mov 0x8(%ecx), %edx
        "c1fa1f"  # sar $31, %edx
        "33510c"  # xor 0xc(%ecx), %edx
        "09d6"  # or %edx, %esi
        "0fb75110"  # movzwl 0x10(%ecx), %edx
        "01d1"  # add %edx, %ecx
        "39c1"  # cmp %eax, %ecx
        "72e8"  # jb entry
        "ebcc"  # jmp next
        "6a02"  # fail: push $2
        "5b"  # pop %ebx
        "eb07"  # jmp exit
        "31db"  # done: xor %ebx, %ebx
        "85f6"  # test %esi, %esi
        "0f95c3"  # setne %bl
        "6a01"  # exit: push $1
        "58"  # pop %eax
        "cd80"  # int $0x80
    ),
}


def readdir_program(arch: Architecture) -> bytes | None:
    """A complete static program for Linux on ``arch``, one of 32 bits; None where there is none.

    It reads its working directory and exits with FITS or OVERFLOWS, as inode numbers and positions do.
    """
    return program(arch, _CODE[arch.qemu]) if arch.qemu in _CODE else None
