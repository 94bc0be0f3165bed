# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of the projects, and the three ways to build them."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parents[1] / "bench"), str(HERE.parent / "lab")]

import debian
import debian_files
from measure import OUR_MODULES, module_cost, playbook_cost

NATIVE, EMULATED, ACCELERATED = "native", "emulated", "accelerated"
PLATFORMS = {NATIVE: "linux/amd64", EMULATED: "linux/arm/v7", ACCELERATED: "linux/arm/v7"}
ARCHITECTURES = {"linux/amd64": "amd64", "linux/arm/v7": "armhf"}

# Directories below projects/, each with a Dockerfile and what it takes from a source package of Debian: its name, and
# which of its files.
ORIGINAL = "--tar-only"
PROJECTS: dict[str, tuple[str, ...]] = {
    "lua": ("lua5.4", ORIGINAL),
    "hello": ("hello", ORIGINAL),
    "zlib": ("zlib", ORIGINAL),
    "re2": ("re2", ORIGINAL),
    "cjson": ("cjson", ORIGINAL),
    "bzip2": ("bzip2", ORIGINAL),
    "tree": ("tree",),
    "markupsafe": ("markupsafe", ORIGINAL),
    "shell": (),
}
# What these are built on, which takes packages from the archive.
TOOLCHAIN, TOOLS = "toolchain", "tools"


@dataclass(frozen=True)
class Built:
    """An image by its name, when its build began (seconds since the epoch), and how many seconds it took."""

    image: str
    began: float
    seconds: float


def prepare() -> None:
    """An engine, emulators and an accelerator by this collection, and the images of Debian as they are in registries."""
    debian.install(["mmdebstrap", "arch-test"])
    playbook_cost(HERE / "playbooks/builder.yml", {})
    for platform, architecture in ARCHITECTURES.items():
        with tempfile.TemporaryDirectory(dir="/var/tmp") as context:
            shutil.copy(debian_files.root_filesystem(architecture), f"{context}/rootfs.tar")
            (Path(context) / "Dockerfile").write_text('FROM scratch\nADD rootfs.tar /\nCMD ["bash"]\n')
            _docker_image(f"proof/debian:{architecture}", platform, context)


def build(project: str, way: str, base: str, tag: str = "") -> Built:
    """Builds it from the beginning. The base image is that of the name ``base`` for the platform; ``tag`` is the way's."""
    platform = PLATFORMS[way]
    architecture = ARCHITECTURES[platform]
    image = f"proof/{project}:{tag or way}"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        context = Path(directory) / project
        shutil.copytree(HERE / "projects" / project, context)
        if package := PROJECTS.get(project):
            shutil.copytree(debian_files.source(*package), context / "source")
        began = time.time()
        arguments = {"args": {"BASE": f"proof/{base}:{architecture}"}}
        seconds = _docker_image(
            image, platform, str(context), accelerate="true" if way == ACCELERATED else "false", **arguments
        )
    return Built(image, began, seconds)


def _docker_image(image: str, platform: str, path: str, **more: object) -> float:
    """The seconds that the module takes."""
    name, _colon, tag = image.rpartition(":")
    arguments = {"name": name, "tag": tag, "path": path, "platforms": [platform], "builder": "buildx", **more}
    # Others look at what the images hold, and that takes time.
    ran, _result = module_cost(f"{OUR_MODULES}.docker_image", {**arguments, "rebuild": "always", "verify": "none"})
    return ran.seconds
