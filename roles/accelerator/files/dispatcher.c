/*
 * Copyright: (c) 2026, trusted.crossbuild contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dispatcher: which program runs when a build executes a foreign one, a native one in its place or QEMU?
 *
 * It is a prologue in a copy of QEMU's own user-mode emulator, for x86_64: one more segment of the ELF file, at which the
 * program now begins (plugins/module_utils/_elf_prologue.py puts it there). The kernel's binfmt_misc starts that copy for
 * every foreign program. Where PREFIX/emul holds a program of the same path as the foreign one, that is executed. In all
 * other cases QEMU begins where it always did, with the stack and the registers that the kernel made for it.
 *
 * Why in QEMU's file: binfmt_misc holds one file open for an entry (flag F), and in a container there is no other. A
 * dispatcher of its own would have to bring QEMU along and start it: by /proc/self/exe, which fails without /proc, or out
 * of memory, which costs as much as half of an emulated exec. This way costs one system call where nothing is to be done.
 *
 * No C library, no writable data, no relocations, no floating-point registers: where it begins, QEMU has not begun.
 *
 * What PREFIX/emul/PATH is started with: argv[0] and the arguments of the foreign program, its environment, its open
 * files. Whether it fits the foreign program is for it to find out: one emulator serves armel and armhf, a chroot within
 * the container may share PREFIX and hold another release. One that does not fit executes PATH again, with "\1" before
 * argv[0]: then it is QEMU's turn, for the price of two execs and without anything in the environment. So PREFIX/emul needs
 * no directories for architectures or releases.
 */

#ifndef PREFIX
#error "-DPREFIX='\"/directory\"' says where the accelerator is in a container"
#endif

/* The kernel's numbers, written here so that a compiler is all it takes: no headers of the C library or the kernel. */
enum { SYS_open = 2, SYS_close = 3, SYS_access = 21, SYS_execve = 59, SYS_fcntl = 72, SYS_readlink = 89 };
enum { F_OK = 0, F_SETFD = 2, FD_CLOEXEC = 1, O_CLOEXEC = 02000000, O_PATH = 010000000, PATH_MAX = 4096 };
enum { AT_NULL = 0, AT_EXECFD = 2, AT_FLAGS = 8, AT_SECURE = 23, AT_FLAGS_PRESERVE_ARGV0 = 1 };

/*
 * Where the program begins. Sixteen bytes on is what _elf_prologue.py reads and writes: a magic, by which it knows a file
 * that has a prologue; a digest, which tells which one; and a jump, whose target is QEMU's own entry point.
 *
 * The kernel leaves all general registers zero but the stack pointer; the ABI gives a meaning to rdx alone. Those which a
 * function keeps (rbx, rbp, r12 to r15) the compiler takes care of.
 */
__asm__(".text\n"
        ".balign 16\n"
        ".globl _start\n"
        "_start:\n"
        "    endbr64\n"
        "    jmp begin\n"
        "    .org _start + 16, 0xcc\n"
        "    .ascii \"crossbuild disp1\"\n"
        "    .skip 32\n"
        "emulator:\n"
        "    .byte 0xe9\n" /* jmp rel32 */
        "    .long 0\n"
        "begin:\n"
        "    mov %rsp, %rdi\n"
        "    push %rdx\n"
        "    sub $8, %rsp\n" /* a function is called with the stack at a multiple of 16 */
        "    call dispatch\n"
        "    add $8, %rsp\n"
        "    pop %rdx\n"
        "    xor %eax, %eax\n"
        "    xor %ecx, %ecx\n"
        "    xor %esi, %esi\n"
        "    xor %edi, %edi\n"
        "    xor %r8d, %r8d\n"
        "    xor %r9d, %r9d\n"
        "    xor %r10d, %r10d\n"
        "    xor %r11d, %r11d\n"
        "    jmp emulator\n");

static long system_call(long number, const void *first, long second, long third)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}

static char *append(char *end, const char *text)
{
    while ((*end = *text++))
        end++;
    return end;
}

/* A function of its own, so that its buffers take no page of the stack where there is no accelerator. */
__attribute__((noinline)) static void execute_native(char **argv, char **envp, long descriptor_of_program)
{
    char native[sizeof PREFIX "/emul" + PATH_MAX], link[sizeof "/proc/self/fd/" + 20];
    char *path = append(native, PREFIX "/emul"), *end = append(link, "/proc/self/fd/");
    long descriptor, unit = 1, length;

    /*
     * The kernel itself resolves links, relative names and what execveat is given (/dev/fd/N), and tells the path as this
     * container sees it. O_PATH: nothing is read, no FIFO is waited for. Where there is no /proc, QEMU runs.
     */
    descriptor = system_call(SYS_open, argv[1], O_PATH | O_CLOEXEC, 0);
    if (descriptor < 0)
        return;
    while (descriptor / unit >= 10)
        unit *= 10;
    for (; unit; unit /= 10)
        *end++ = '0' + descriptor / unit % 10;
    *end = 0;
    length = system_call(SYS_readlink, link, (long)path, PATH_MAX);
    system_call(SYS_close, (void *)descriptor, 0, 0);
    if (length < 0)
        return;
    /* No native program has the names that are no path from this root directory: "(unreachable)/bin/sh", "/memfd:x (deleted)".
       What is longer than PATH_MAX the kernel does not tell. */
    path[length] = 0;

    /* Flag O: the open file of the foreign program is for QEMU, and for nobody else. */
    if (descriptor_of_program >= 0)
        system_call(SYS_fcntl, (void *)descriptor_of_program, F_SETFD, FD_CLOEXEC);
    /* This returns, and QEMU begins, where there is no such file, where it is a directory or may not be executed, and where
       the longer path makes the arguments too many. There is nothing to ask beforehand that it does not ask itself. */
    system_call(SYS_execve, native, (long)(argv + 2), (long)envp);
}

__attribute__((used, visibility("hidden"))) void dispatch(long *stack)
{
    long argc = stack[0], flags = 0, secure = 0, descriptor_of_program = -1, *auxiliary;
    char **argv = (char **)(stack + 1), **envp = argv + argc + 1, **end = envp;

    while (*end)
        end++;
    for (auxiliary = (long *)(end + 1); auxiliary[0] != AT_NULL; auxiliary += 2) {
        if (auxiliary[0] == AT_FLAGS)
            flags = auxiliary[1];
        else if (auxiliary[0] == AT_SECURE)
            secure = auxiliary[1];
        else if (auxiliary[0] == AT_EXECFD)
            descriptor_of_program = auxiliary[1];
    }

    /*
     * Only where binfmt_misc has started this, by an entry with flag P: then the arguments are QEMU, the foreign program's
     * path, its argv[0] and the others, and the kernel says so (since Linux 5.12; under an older one QEMU always runs). Who
     * starts QEMU by hand gets QEMU.
     */
    if (!(flags & AT_FLAGS_PRESERVE_ARGV0) || argc < 3)
        return;
    /* Never with rights that the user does not have (flag C and a setuid program): anybody can make a directory PREFIX in a
       root directory of his own, and the file there is not the one whose owner gave the rights. */
    if (secure)
        return;
    /* All that happens where there is no accelerator, so that there everything is as with QEMU alone. */
    if (system_call(SYS_access, PREFIX "/emul", F_OK, 0))
        return;
    /* A native program does not fit and says so. The foreign one never sees the mark. */
    if (argv[2][0] == 1) {
        argv[2]++;
        return;
    }
    execute_native(argv, envp, descriptor_of_program);
}
