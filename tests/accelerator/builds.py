# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of the projects, and the three ways to build them."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))

import debian_archive
import debian_files
from measure import OUR_MODULES, module_cost, playbook_cost, require_laboratory

HERE = Path(__file__).resolve().parent
NATIVE, EMULATED, ACCELERATED = WAYS = ("native", "emulated", "accelerated")
NATIVE_PLATFORM = "linux/amd64"
ARCHITECTURES = {NATIVE_PLATFORM: "amd64", "linux/arm/v7": "armhf", "linux/arm64": "arm64"}

# The base images: Debian, and what takes packages from its archive. "toolchain" is a project as well.
DEBIAN, TOOLCHAIN, TOOLS = "debian", "toolchain", "tools"


@dataclass(frozen=True)
class Project:
    """What has a directory of its name below projects/.

    ``source`` is what it needs of a source package of Debian: its name, and which of its files, if not all. ``exceptions``
    are the files whose bytes are not the same for a reason that the role's documentation tells. A ``long`` one is built only
    where it is named.
    """

    base: str
    source: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    long: bool = False


ORIGINAL = "--tar-only"
PROJECTS = {
    TOOLCHAIN: Project(DEBIAN),
    TOOLS: Project(TOOLCHAIN),
    "lua": Project(TOOLCHAIN, ("lua5.4", ORIGINAL)),
    # What ld calls itself, beside the names of temporary files.
    "hello": Project(TOOLCHAIN, ("hello", ORIGINAL), exceptions=("/config.log",)),
    "zlib": Project(TOOLCHAIN, ("zlib", ORIGINAL)),
    # A function with shifts of 64-bit numbers has two places of its stack swapped; and the order of symbols in .symtab.
    "fmt": Project(TOOLCHAIN, ("fmtlib", ORIGINAL), exceptions=("/src/format.o", "/libfmt.a", "/say")),
    # Two scratch registers are swapped in a shift of 64 bits.
    "zstd": Project(TOOLCHAIN, ("libzstd", ORIGINAL), exceptions=("/zstd_lazy.o", "/libzstd.a"), long=True),
    "bzip2": Project(TOOLCHAIN, ("bzip2", ORIGINAL)),
    "shell": Project(TOOLCHAIN),
    "options": Project(TOOLCHAIN),
    "cjson": Project(TOOLS, ("cjson", ORIGINAL)),
    "tree": Project(TOOLS, ("tree",)),
    "markupsafe": Project(TOOLS, ("markupsafe", ORIGINAL)),
}


@dataclass(frozen=True)
class Built:
    """An image by its name, when its build began (seconds since the epoch), and how many seconds it took."""

    image: str
    began: float
    seconds: float


@dataclass(frozen=True)
class Target:
    """What is built for: a release of Debian, and a platform that is emulated."""

    release: str = "bookworm"
    platform: str = "linux/arm/v7"

    def platform_of(self, way: str) -> str:
        return NATIVE_PLATFORM if way == NATIVE else self.platform


USUAL = Target()


def prepare(target: Target = USUAL) -> None:
    """An engine with buildx, emulators and an accelerator, by this collection."""
    require_laboratory()
    debian_archive.install(["mmdebstrap", "arch-test"])
    playbook_cost(HERE / "playbooks/builder.yml", asdict(target))


@cache
def build(name: str, way: str, tag: str = "", target: Target = USUAL) -> Built:
    """Builds a project from its beginning, and once; ``tag`` tells an image from others that were built in the same way."""
    project, platform = PROJECTS[name], target.platform_of(way)
    image = f"proof/{name}:{tag or way}"
    arguments = {"args": {"BASE": _base(project.base, way, target)}, "accelerate": str(way == ACCELERATED).lower()}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        context = Path(directory) / name
        shutil.copytree(HERE / "projects" / name, context)
        if project.source:
            shutil.copytree(debian_files.source(*project.source), context / "source")
        began = time.time()
        seconds = _docker_image(image, platform, context, **arguments)
    return Built(image, began, seconds)


@cache
def _base(name: str, way: str, target: Target) -> str:
    """An image that others are built on. What is emulated and what is accelerated have the same one."""
    if name != DEBIAN:
        return build(name, NATIVE if way == NATIVE else ACCELERATED, target=target).image
    platform = target.platform_of(way)
    architecture = ARCHITECTURES[platform]
    image = f"proof/{DEBIAN}:{architecture}"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as context:
        shutil.copy(debian_files.root_filesystem(target.release, architecture), f"{context}/rootfs.tar")
        (Path(context) / "Dockerfile").write_text('FROM scratch\nADD rootfs.tar /\nCMD ["bash"]\n')
        _docker_image(image, platform, Path(context))
    return image


def _docker_image(image: str, platform: str, context: Path, **more: object) -> float:
    """The seconds that the module takes."""
    name, _colon, tag = image.rpartition(":")
    arguments = {"name": name, "tag": tag, "path": str(context), "platforms": [platform], "builder": "buildx", **more}
    # Others look at what the images hold, and that takes time.
    ran, _result = module_cost(f"{OUR_MODULES}.docker_image", {**arguments, "rebuild": "always", "verify": "none"})
    return ran.seconds
