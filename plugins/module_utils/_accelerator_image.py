# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accelerators as images: the same files make the same image, wherever and whenever it is made.

Its tag ends in the digest of its one layer. So a build that has begun goes on with the accelerator it has begun with, and
an image under that name which holds anything else is known for what it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterable, Mapping

from . import _saved_image
from ._engine_sdk import Image
from ._errors import CrossbuildError
from ._platform import Platform, parse

# No registry can have that name (RFC 2606): where the image has gone, nobody else's is pulled in its place.
REPOSITORY = "crossbuild.invalid/accelerator"
# The release and the platform that it is for, as "bookworm linux/arm/v7".
LABEL = "trusted.crossbuild.accelerator"
# How it is made, as a digest, and of which packages, as JSON: versions by name.
RECIPE_LABEL = LABEL + ".recipe"
PACKAGES_LABEL = LABEL + ".packages"

# Digits of the layer's digest that are in the tag.
_DIGITS = 16


@dataclass(frozen=True)
class Accelerator:
    """An accelerator's image on an engine. ``layer`` is its layer's digest.

    ``reference`` is the name by which builds know it; None where it has not the one that its content asks for.
    """

    release: str
    platform: Platform
    recipe: str
    packages: Mapping[str, str]
    image_id: str
    layer: str
    tags: tuple[str, ...]
    reference: str | None

    def fits(self, release: str, platform: Platform) -> bool:
        return (self.release, self.platform) == (release, platform)


def found(images: Iterable[Image]) -> list[Accelerator]:
    """The accelerators among images. What has the label and is none counts as not there."""
    accelerators = []
    for image in images:
        release, _blank, name = image.labels.get(LABEL, "").partition(" ")
        try:
            platform = parse(name)
            packages = dict(json.loads(image.labels.get(PACKAGES_LABEL, "")))
        except (CrossbuildError, ValueError, TypeError):
            continue
        if len(image.layers) != 1:
            continue
        name = ":".join(own_name(release, platform, image.layers[0]))
        accelerators.append(
            Accelerator(
                release=release,
                platform=platform,
                recipe=image.labels.get(RECIPE_LABEL, ""),
                packages=packages,
                image_id=image.id,
                layer=image.layers[0],
                tags=tuple(image.tags),
                reference=name if name in image.tags and platform.accepts(image.platform) else None,
            )
        )
    return accelerators


def own_name(release: str, platform: Platform, layer: str) -> tuple[str, str]:
    """Repository and tag by which a build knows an accelerator with this layer."""
    return REPOSITORY, tag_of(release, platform, layer)


def tag_of(release: str, platform: Platform, digest: str) -> str:
    """A tag that ends in a digest, of an accelerator's layer or of how it is made."""
    return "-".join([release, *str(platform).split("/")[1:], digest.rpartition(":")[2][:_DIGITS]])


def write(tree: str, release: str, platform: Platform, recipe: str, packages: Mapping[str, str], path: str) -> str:
    """Writes the files in ``tree`` as an image to a new file, as ``docker load`` takes it. Returns the image's reference.

    The image says that it is for the target's platform: BuildKit would look for another one in a registry otherwise.
    Needs as much room beside ``path`` once more.
    """
    labels = {
        LABEL: f"{release} {platform}",
        RECIPE_LABEL: recipe,
        PACKAGES_LABEL: json.dumps(dict(packages), sort_keys=True),
    }
    return _saved_image.write(
        tree,
        platform,
        path,
        labels,
        "trusted.crossbuild.accelerator",
        lambda layer: ":".join(own_name(release, platform, layer)),
    )
