# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which programs of a foreign image have native ones that do the very same: the one table of the accelerator's tools."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ._errors import CrossbuildError
from ._platform import Platform

# Where a build sees the accelerator. Below /dev, a tmpfs of each container, a mount point leaves nothing in the image.
PREFIX = "/dev/.crossbuild"
# In the accelerator: where the native tools look for plugins of their own. The name is short because it must fit in where
# theirs was.
BFD_PLUGINS = "/root/bfd"


@dataclass(frozen=True)
class Release:
    """What differs between releases: ``gcc`` is the major version of the compiler that the package ``gcc`` brings.

    ``gcc_packages`` is how its packages for an architecture are called there.
    """

    gcc: str
    gcc_packages: str


# Debian, by code name.
RELEASES = {
    "bookworm": Release("12", "{name}-{gcc}"),
    "trixie": Release("14", "{name}-{gcc}-{triplet}"),
}
# What compilers call the architecture, by Debian's name: `dpkg-architecture --list-known`. Adding one is a row here, where
# Debian has a cross compiler for it and the launcher can read its programs (little-endian).
TRIPLETS = {
    "armhf": "arm-linux-gnueabihf",
    "arm64": "aarch64-linux-gnu",
}


@dataclass(frozen=True)
class Tools:
    """Programs of one package. Paths are absolute, and those of a system whose /bin is /usr/bin.

    ``foreign`` and ``native`` are the package's names for the image's architecture and for the host's; ``programs`` and
    ``without`` are patterns of paths in the foreign one. ``rules`` say when the foreign program runs after all, as
    launcher.c reads them. ``strings`` are those in the native program, and in libraries of its package, that must say
    something else; ``as_foreign`` matches one in each of both programs, and the native one must say what the foreign does.
    """

    foreign: str
    native: str
    programs: tuple[str, ...] = ("/usr/bin/*",)
    without: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    strings: tuple[tuple[str, str], ...] = ()
    as_foreign: str = ""


# What the loader does on demand, for which the demander names foreign libraries or wants to see foreign ones; and the
# directory of foreign converters between character sets. LD_LIBRARY_PATH is none of them: the launcher overrides it.
_LOADER_RULES = (
    "$LD_PRELOAD",
    "$LD_AUDIT",
    "$LD_DEBUG",
    "$LD_PROFILE",
    "$LD_SHOW_AUXV",
    "$LD_TRACE_LOADED_OBJECTS",
    "$GCONV_PATH",
)
# A compiler asked what it is, or told by a file what to do, which may ask it as much.
_ABOUT = ("-v", "--version", "-version", "--help*", "--target-help", "@*")
# -m…=native is the processor that the emulator shows. A plugin is a foreign library. Other character sets than UTF-8 need
# converters, which are libraries of the foreign C library.
_COMPILER = (*_ABOUT, "-m*=native", "-fplugin*", "-f*-charset=*")
# What the driver prints are paths and programs of its own; cross compilers do not know LIBRARY_PATH, and their sysroot is
# another one to begin with.
_DRIVER = (
    *_COMPILER,
    "$LIBRARY_PATH",
    "-###",
    "-dump*",
    "-print-*",
    "--print-*",
    "--sysroot*",
    "-specs=*",
    "--specs=*",
)
# collect2 of a cross compiler looks for linkers under the architecture's name only, which others than GNU's do not have.
_COLLECT = (*_ABOUT, "-fuse-ld=*")
# A linker for its own architecture looks there for what libraries need.
_LINKER = ("$LD_LIBRARY_PATH", "$LD_RUN_PATH", "+-plugin", "+--plugin", "@*", "-V", "--verbose*", "-verbose", "--help*")
_ARCHIVER = ("+--plugin", "@*")


def tools(release: str, platform: Platform) -> list[Tools]:
    """The table for a release of Debian, by its code name, and an architecture. Raises CrossbuildError where there is none."""
    found, triplet = RELEASES.get(release), TRIPLETS.get(platform.debian or "")
    if found is None or triplet is None:
        raise CrossbuildError(
            f"There are no native tools for {platform} on {release!r}. They are known for {', '.join(TRIPLETS)} on Debian's"
            f" {', '.join(RELEASES)}."
        )
    return [
        *_general(triplet, str(platform.debian)),
        *_binutils(triplet),
        *_compilers(found, triplet),
    ]


def _general(triplet: str, architecture: str) -> list[Tools]:
    names = (
        "dash",
        "sed",
        "grep",
        "mawk",
        "gawk",
        "tar",
        "gzip",
        "bzip2",
        "xz-utils",
        "zstd",
        "diffutils",
        "findutils",
    )
    cpu, _dash, system = triplet.partition("-")
    # $MACHTYPE, $HOSTTYPE and $OSTYPE of bash, $(MAKE_HOST) of make.
    machine = (("x86_64-pc-linux-gnu", f"{cpu}-unknown-{system}"), ("x86_64", cpu), ("linux-gnu", system))
    return [
        *(Tools(name, name) for name in (*names, "m4", "patch", "ninja-build")),
        Tools("bash", "bash", rules=("--version",), strings=machine),
        # The widest floating point number, as above.
        Tools("coreutils", "coreutils", ("/usr/bin/od",), rules=("*fL*",)),
        # uname and arch tell the architecture. printf, seq and numfmt compute with the widest floating point number of the
        # processor, and print others. stdbuf has what it runs load a library that is beside itself.
        Tools("coreutils", "coreutils", without=tuple(f"/usr/bin/{name}" for name in _NOT_OF_COREUTILS)),
        # What it installs for is the architecture that it was built for.
        Tools("dpkg", "dpkg", rules=("--version",), strings=(("amd64", architecture),)),
        # What unpacks and verifies lists. The cache that apt itself makes of them is another one for each word size.
        Tools("apt", "apt", ("/usr/lib/apt/methods/store", "/usr/lib/apt/methods/gpgv")),
        Tools("gpgv", "gpgv", rules=("--version",)),
        Tools(
            "make",
            "make",
            rules=("-v", "--version"),
            # The last one is where it looks for the prerequisite -lNAME.
            strings=(machine[0], ("/usr/lib/x86_64-linux-gnu", f"/usr/lib/{triplet}")),
        ),
    ]


_NOT_OF_COREUTILS = ("uname", "arch", "printf", "seq", "numfmt", "stdbuf", "od")


def _binutils(triplet: str) -> list[Tools]:
    package = f"binutils-{triplet}"

    def named(*names: str) -> tuple[str, ...]:
        return tuple(f"/usr/bin/{triplet}-{name}" for name in names)

    strings = (("/usr/bin/../lib/bfd-plugins", PREFIX + BFD_PLUGINS),)
    return [
        Tools(package, package, named("as"), rules=_ABOUT, strings=strings),
        Tools(package, package, named("ld.bfd", "ld.gold"), rules=_LINKER, strings=strings),
        Tools(package, package, named("ar", "nm", "ranlib"), rules=_ARCHIVER, strings=strings),
        Tools(
            package,
            package,
            named("strip", "objcopy", "objdump", "readelf", "size", "strings", "addr2line", "c++filt", "elfedit"),
            strings=strings,
        ),
    ]


def _compilers(release: Release, triplet: str) -> list[Tools]:
    strings = _gcc_strings(triplet, release.gcc)

    def row(name: str, programs: tuple[str, ...], rules: tuple[str, ...]) -> Tools:
        foreign = release.gcc_packages.format(name=name, gcc=release.gcc, triplet=triplet)
        native = f"{name}-{release.gcc}-{triplet}"
        # The packages' version, which the compilers write into every object file.
        return Tools(foreign, native, programs, rules=rules, strings=strings, as_foreign=r"\(Debian [^()]+\) ")

    def driver(*names: str) -> tuple[str, ...]:
        return tuple(f"/usr/bin/{triplet}-{name}-{release.gcc}" for name in names)

    def internal(*names: str) -> tuple[str, ...]:
        # /usr/lib or, since gcc 13, /usr/libexec
        return tuple(f"/usr/lib*/gcc/{triplet}/{release.gcc}/{name}" for name in names)

    # What is left to optimise at link time has floating point numbers in as many words as those of the processor that the
    # compiler runs on are wide: one of 32 bits misreads what one of 64 wrote. For 64 bits it can be read, but is not the same
    # bytes. So lto1, which would be a fifth of an accelerator, has nothing to do in one.
    frontend = (*_COMPILER, "-flto*")
    return [
        row("cpp", driver("cpp"), _DRIVER),
        row("gcc", driver("gcc"), _DRIVER),
        row("g++", driver("g++"), _DRIVER),
        row("gcc", driver("gcc-ar", "gcc-nm", "gcc-ranlib"), _ABOUT),
        row("cpp", internal("cc1"), frontend),
        row("g++", internal("cc1plus"), frontend),
        row("gcc", internal("collect2"), _COLLECT),
        row("gcc", internal("lto-wrapper"), _ABOUT),
        # No program: the linkers load it, by the rule "+-plugin".
        row("gcc", internal("liblto_plugin.so"), ()),
    ]


def _gcc_strings(triplet: str, gcc: str) -> tuple[tuple[str, str], ...]:
    """A cross compiler's paths, and those of the image's own compiler."""
    cross, own = f"/usr/lib/gcc-cross/{triplet}/{gcc}/", f"/usr/lib/gcc/{triplet}/{gcc}/"
    cross_include, own_include = f"{cross}../../../../{triplet}/include", f"{own}../../../../include"
    return (
        (f"{cross_include}/c++/{gcc}/{triplet}", f"{own_include}/{triplet}/c++/{gcc}"),
        (f"{cross_include}/c++/{gcc}/backward", f"{own_include}/c++/{gcc}/backward"),
        (f"{cross_include}/c++/{gcc}", f"{own_include}/c++/{gcc}"),
        (cross_include, f"{own}../../../../{triplet}/include"),
        (f"{cross}include", f"{own}include"),
        (f"{cross}include-fixed", f"{own}include-fixed"),
        ("/usr/lib/gcc-cross/", "/usr/lib/gcc/"),
        ("/usr/libexec/gcc-cross/", "/usr/libexec/gcc/"),
        ("gcc-cross", "gcc"),
    )


def matches(row: Tools, path: str) -> bool:
    """Whether a path of the foreign package is that of one of these programs."""

    def like(patterns: tuple[str, ...]) -> bool:
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)

    return like(row.programs) and not like(row.without)


def native_path(path: str) -> str:
    """Where the native package has what the foreign one has at ``path``."""
    return path.replace("/gcc/", "/gcc-cross/", 1)


def gate(row: Tools, build_ids: list[str]) -> str:
    """The text by which the launcher lets a native program stand in."""
    return "".join(f"{line}\n" for line in (*build_ids, *_LOADER_RULES, *row.rules))


def upstream(version: str) -> str:
    """What of a package's version its authors gave: https://www.debian.org/doc/debian-policy/ch-controlfields.html#version"""
    return version.split(":", 1)[-1].rpartition("-")[0] or version.split(":", 1)[-1]
