# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References to images in registries: ``registry.example:5000/app:1.0``, ``app@sha256:...``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ._errors import CrossbuildError

# The grammar: https://pkg.go.dev/github.com/distribution/reference
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

DOCKER_HUB = "docker.io"


@dataclass(frozen=True)
class Reference:
    """A repository in a registry, with a tag, a digest, both or neither."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag, digest = self.tag and f":{self.tag}", self.digest and f"@{self.digest}"
        return f"{self.registry}/{self.repository}{tag}{digest}"

    @property
    def identifier(self) -> str:
        """What the registry is asked for: the digest wins, no tag means ``latest``."""
        return self.digest or self.tag or "latest"


def parse(text: str) -> Reference:
    """Reads a reference as Docker does: without a registry it is Docker Hub's. Raises CrossbuildError."""
    rest, at, digest = text.partition("@")
    registry, slash, path = rest.partition("/")
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        registry, path = DOCKER_HUB, rest
    repository, colon, tag = path.partition(":")
    if registry in (DOCKER_HUB, "index." + DOCKER_HUB):
        registry = DOCKER_HUB
        repository = repository if "/" in repository else f"library/{repository}"
    for what, value, pattern, given in (
        ("registry", registry, _REGISTRY, True),
        ("repository", repository, _REPOSITORY, True),
        ("tag", tag, _TAG, colon),
        ("digest", digest, _DIGEST, at),
    ):
        if given and not pattern.fullmatch(value):
            raise CrossbuildError(
                f"{text!r} names no image: {value!r} is no {what}. Write REGISTRY/REPOSITORY:TAG or"
                " REGISTRY/REPOSITORY@sha256:DIGEST, the repository in small letters."
            )
    return Reference(registry, repository, tag, digest)


def repository(text: str) -> Reference:
    """Raises CrossbuildError where ``text`` names more than a repository, or none."""
    reference = parse(text)
    if reference.tag or reference.digest:
        raise CrossbuildError(f"{text} is to be a repository, whose tags are chosen here. Leave its tag or digest out.")
    return reference


def untagged(text: str) -> str:
    """The repository of a reference, in full."""
    reference = parse(text)
    return f"{reference.registry}/{reference.repository}"


def require_tag(tag: str) -> str:
    """Raises CrossbuildError for what cannot be a tag."""
    if not _TAG.fullmatch(tag):
        raise CrossbuildError(
            f"{tag!r} is no tag: letters, digits, '_', '.' and '-', at most 128, no '.' or '-' first."
        )
    return tag


def is_loopback(registry: str) -> bool:
    """Whether a registry is on this very host, where Docker does without TLS."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
