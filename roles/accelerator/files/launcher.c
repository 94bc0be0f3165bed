/*
 * Copyright: (c) 2026, trusted.crossbuild contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The launcher: stands in for every foreign program that the accelerator has a native one for.
 *
 * In a container of another architecture the dispatcher executes PREFIX/emul/PATH where PATH, say /usr/bin/make, was to
 * be emulated. All names below emul/ are links to this program. It decides whether the native program may stand in, and
 * then becomes either that or, by way of the emulator, the foreign program after all.
 *
 * What decides is data, not code: PREFIX/gate/PATH, made with the accelerator out of one table (_accelerator_tools.py),
 * has one rule a line:
 *     0123abcd…   a build id in hex. The file at PATH must have one of these: then it is the very program that the native
 *                 one was made from the same sources as. That excludes other releases, other variants of the architecture,
 *                 other C libraries and programs that somebody put in its place, also in a chroot inside the container.
 *     $NAME       declines where the environment has this variable: it means something else to the native program.
 *     +OPTION     the file that follows this option, as the next argument or after "=", is loaded into the program: the
 *                 native one of that file is put in its place, if its own gate lets it; otherwise declines.
 *     PATTERN     any other line: declines where an argument is like this, in which "*" stands for anything.
 *
 * Static, without a C library: it runs for every program that a build executes, and nothing of the container, not even a
 * loader, is there to start it with. x86_64 Linux only.
 *
 *   gcc -DPREFIX='"/dev/.crossbuild"' -Os -static -nostdlib -ffreestanding -fno-builtin -fno-stack-protector
 *       -fno-tree-loop-distribute-patterns -o launcher launcher.c
 */
/* Of the compiler itself: no header of the C library is needed. */
#include <stddef.h>
#include <stdint.h>

#define PATH_SIZE 4096 /* PATH_MAX with its NUL: the kernel executes no longer path */
#define LIBRARIES PREFIX "/root/lib"
#define LOADER LIBRARIES "/ld-linux-x86-64.so.2"
#define LOADER_WORDS 7 /* what comes before the program's own arguments */

enum { SYS_READ = 0, SYS_WRITE = 1, SYS_OPEN = 2, SYS_CLOSE = 3, SYS_EXECVE = 59, SYS_EXIT = 60 };
enum { O_RDONLY_CLOEXEC = 02000000 };

/* What counts here of ELF: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html */
enum { EI_CLASS = 4, EI_DATA = 5, ELFCLASS64 = 2, ELFDATA2LSB = 1, PT_NOTE = 4, NT_GNU_BUILD_ID = 3 };
enum { AT_NULL = 0, AT_EXECFN = 31 };
struct header32 {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct header64 {
    unsigned char ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct segment32 {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};
struct segment64 {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
struct note {
    uint32_t namesz, descsz, type;
};

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Text */

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

/* What is left of text behind a beginning; NULL where it begins otherwise. */
static const char *behind(const char *text, const char *beginning)
{
    while (*beginning)
        if (*text++ != *beginning++)
            return NULL;
    return text;
}

static int same(const char *one, const char *other)
{
    const char *rest = behind(one, other);
    return rest && !*rest;
}

static char *copy(char *to, const char *from)
{
    while ((*to = *from)) {
        to++;
        from++;
    }
    return to;
}

/* Whether text is like a pattern, in which a star stands for anything, also for nothing. */
static int like(const char *text, const char *pattern)
{
    for (; *pattern != '*'; text++, pattern++)
        if (*text != *pattern || !*text)
            return *text == *pattern;
    do
        if (like(text, pattern + 1))
            return 1;
    while (*text++);
    return 0;
}

/* Files */

/* The beginning of a file: as many bytes as there are, at most size; negative where it cannot be read. */
static long beginning(const char *path, char *buffer, long size)
{
    long file = call(SYS_OPEN, (long)path, O_RDONLY_CLOEXEC, 0), got = 0, n = 1;
    if (file < 0)
        return file;
    while (got < size && (n = call(SYS_READ, file, (long)(buffer + got), size - got)) > 0)
        got += n;
    call(SYS_CLOSE, file, 0, 0);
    return n < 0 ? n : got;
}

/* The build id in a note segment, as hex; empty where there is none. Notes are aligned to 4 bytes. */
static void find_id(const char *notes, size_t size, char *hex)
{
    *hex = 0;
    for (size_t at = 0; at + sizeof(struct note) <= size;) {
        const struct note *note = (const struct note *)(notes + at); /* the same in 64-bit files */
        const char *name = notes + at + sizeof *note;
        size_t content = at + sizeof *note + ((note->namesz + 3ul) & ~3ul);
        if (content + note->descsz > size || note->descsz > 64)
            return;
        if (note->type == NT_GNU_BUILD_ID && note->namesz == 4 && same(name, "GNU")) {
            for (size_t i = 0; i < note->descsz; i++) {
                unsigned char byte = notes[content + i];
                *hex++ = "0123456789abcdef"[byte >> 4];
                *hex++ = "0123456789abcdef"[byte & 15];
            }
            *hex = 0;
            return;
        }
        at = content + ((note->descsz + 3ul) & ~3ul);
    }
}

/*
 * The build id of an ELF file, as hex in 129 bytes; empty where it has none. Only its first page is read: linkers put the
 * notes right behind the headers, and what has them elsewhere gets emulated. Little-endian files only, for the same reason
 * that the gates hold no others: no big-endian architecture has an accelerator.
 */
static void build_id(const char *path, char *hex)
{
    char page[4096] __attribute__((aligned(8)));
    long size = beginning(path, page, sizeof page);
    const struct header32 *small = (const struct header32 *)page;
    const struct header64 *large = (const struct header64 *)page;

    *hex = 0;
    if (size < (long)sizeof *large || !behind(page, "\177ELF") || page[EI_DATA] != ELFDATA2LSB)
        return;
    int wide = page[EI_CLASS] == ELFCLASS64;
    size_t table = wide ? large->phoff : small->phoff, count = wide ? large->phnum : small->phnum;
    size_t row = wide ? sizeof(struct segment64) : sizeof(struct segment32);
    if (table > (size_t)size)
        return;
    for (size_t i = 0; i < count && table + (i + 1) * row <= (size_t)size && !*hex; i++) {
        const struct segment32 *narrow = (const struct segment32 *)(page + table + i * row);
        const struct segment64 *broad = (const struct segment64 *)(page + table + i * row);
        size_t start = wide ? broad->offset : narrow->offset, bytes = wide ? broad->filesz : narrow->filesz;
        if (narrow->type == PT_NOTE && start <= (size_t)size && bytes <= (size_t)size - start) /* the type is first in both */
            find_id(page + start, bytes, hex);
    }
}

/* Rules */

/* One gate, its lines made into strings that follow each other, with an empty one at the end. */
struct gate {
    char text[4096];
};

/* Reads the gate of a path; nothing in it, which lets nothing through, where there is none or it is too long. */
static void read_gate(struct gate *gate, const char *path)
{
    const long room = sizeof gate->text - 2;
    long size = beginning(path, gate->text, room);
    if (size < 0 || size == room)
        size = 0;
    for (long i = 0; i < size; i++)
        if (gate->text[i] == '\n')
            gate->text[i] = 0;
    gate->text[size] = gate->text[size + 1] = 0;
}

static int lets_file_in(const struct gate *gate, const char *path)
{
    char id[129];
    build_id(path, id);
    for (const char *rule = gate->text; *rule; rule += length(rule) + 1)
        if (same(rule, id)) /* an empty id is no rule: the loop ends there */
            return 1;
    return 0;
}

static int lets_environment_in(const struct gate *gate, char **environment)
{
    for (const char *rule = gate->text; *rule; rule += length(rule) + 1)
        for (char **variable = environment; *rule == '$' && *variable; variable++) {
            const char *rest = behind(*variable, rule + 1);
            if (rest && *rest == '=')
                return 0;
        }
    return 1;
}

/* The native file for one that is loaded, written behind whatever is at place; 0 where its gate keeps it out. */
static int replace_loaded(const char *path, char *place)
{
    char name[sizeof PREFIX "/gate" + PATH_SIZE];
    struct gate gate;
    if (*path != '/' || length(path) >= PATH_SIZE)
        return 0;
    copy(copy(name, PREFIX "/gate"), path);
    read_gate(&gate, name);
    if (!lets_file_in(&gate, path))
        return 0;
    copy(copy(place, PREFIX "/root"), path);
    return 1;
}

/* Checks the arguments, of which some may be replaced; loaded has room for the one file that a program loads. */
static int lets_arguments_in(const struct gate *gate, char **arguments, char *loaded)
{
    *loaded = 0;
    for (char **argument = arguments; *argument; argument++)
        for (const char *rule = gate->text; *rule; rule += length(rule) + 1) {
            if (*rule == '$')
                continue;
            if (*rule != '+') {
                if (like(*argument, rule))
                    return 0;
                continue;
            }
            const char *rest = behind(*argument, rule + 1);
            if (!rest || (*rest && *rest != '='))
                continue; /* another option that begins like this one */
            if (*loaded || (!*rest && !argument[1]))
                return 0; /* a second file, or none: let the foreign program say what it thinks of it */
            if (*rest) {
                char *path = copy(copy(loaded, rule + 1), "=");
                if (!replace_loaded(rest + 1, path))
                    return 0;
                *argument = loaded;
            } else {
                if (!replace_loaded(argument[1], loaded))
                    return 0;
                *++argument = loaded;
            }
            break;
        }
    return 1;
}

/* Becoming another program: these return where that failed. */

/*
 * The native program, by its own loader. Nothing of the container decides which libraries it gets: --library-path takes
 * the place of LD_LIBRARY_PATH, which stays as it is for the program's children; /etc/ld.so.cache is the foreign
 * programs' (--inhibit-cache). --argv0 keeps the name that the program was called by.
 */
static void run_native(char *program, size_t count, char **arguments, char **environment)
{
    char *words[count + LOADER_WORDS], **word = words;
    *word++ = LOADER;
    *word++ = "--inhibit-cache";
    *word++ = "--library-path";
    *word++ = LIBRARIES;
    *word++ = "--argv0";
    *word++ = arguments[0];
    *word++ = program;
    for (size_t i = 1; i <= count; i++) /* with the NULL at the end */
        *word++ = arguments[i];
    call(SYS_EXECVE, (long)LOADER, (long)words, (long)environment);
}

/* The foreign program: the mark before its name tells the dispatcher to let the emulator have it. */
static void decline(const char *path, size_t count, char **arguments, char **environment)
{
    const char *name = count ? arguments[0] : "";
    char marked[length(name) + 2], *words[count + 2];
    marked[0] = 1;
    copy(marked + 1, name);
    words[0] = marked;
    words[1] = NULL;
    for (size_t i = 1; i <= count; i++)
        words[i] = arguments[i];
    call(SYS_EXECVE, (long)path, (long)words, (long)environment);
}

__attribute__((used)) void begin(long *stack)
{
    size_t count = stack[0];
    char **arguments = (char **)(stack + 1), **environment = arguments + count + 1, **end = environment;
    const char *self = "";
    while (*end)
        end++;
    for (long *entry = (long *)(end + 1); entry[0] != AT_NULL; entry += 2)
        if (entry[0] == AT_EXECFN)
            self = (const char *)entry[1];

    /* The name that this was executed by says what it stands for; argv[0] is whatever the caller liked. */
    const char *path = behind(self, PREFIX "/emul");
    if (path && *path == '/' && length(self) < PATH_SIZE) {
        char name[PATH_SIZE], loaded[PATH_SIZE + sizeof PREFIX "/root" + 64], *original[count + 1];
        struct gate gate;
        copy(copy(name, PREFIX "/gate"), path);
        read_gate(&gate, name);
        for (size_t i = 0; i <= count; i++)
            original[i] = arguments[i];
        if (count && lets_file_in(&gate, path) && lets_environment_in(&gate, environment) &&
            lets_arguments_in(&gate, arguments + 1, loaded)) {
            copy(copy(name, PREFIX "/root"), path);
            run_native(name, count, arguments, environment);
        }
        /* Also where the native one cannot be executed, as with arguments so long that its loader's do not fit. */
        decline(path, count, original, environment);
    }
    static const char message[] = "trusted.crossbuild: the program could be run neither natively nor emulated\n";
    call(SYS_WRITE, 2, (long)message, sizeof message - 1);
    call(SYS_EXIT, 126, 0, 0);
}

/* The stack as the kernel leaves it: count, arguments, NULL, environment, NULL, auxiliary vector. */
__asm__(".globl _start\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call begin\n");
