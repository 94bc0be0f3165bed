#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_manifest
short_description: Join the images of several platforms under one tag of a registry
version_added: 0.1.0
description:
  - Joins images that are in a registry, one for each platform, into one multi-platform tag, so that C(docker pull) gets
    everywhere the image for where it is. Needs neither an engine nor a client on the host.
  - Which platform an image is for is read from its configuration in the registry, not believed from its name. Everything
    is read and checked before anything is written. The index is stored, read back, and resolved for each platform as an
    engine does that pulls, before the first tag points to it; and again at the end of every run, also of one that had
    nothing to do. Layers are not downloaded for that.
  - The same images make the same index, byte for byte. While the tags point to it, the task is C(ok).
extends_documentation_fragment:
  - trusted.crossbuild.attributes
  - trusted.crossbuild.registry
options:
  name:
    description:
      - The repository, with its registry (V(registry.example:5000/app)). It may carry a tag.
      - Required unless there is O(manifests).
    type: str
  tags:
    description:
      - The tags, beside the one in O(name). All of them point to the same index. Where there is neither, it is V(latest).
      - They are written one right after the other once everything is verified. A registry has no way to change several at
        once, so if it vanishes in between, the task fails and says which tags are new; the next run writes the others.
    type: list
    elements: str
    aliases: [tag]
    default: []
  images:
    description:
      - The images, in the same registry, as C(REGISTRY/REPOSITORY:TAG) or C(REGISTRY/REPOSITORY@sha256:DIGEST); or a
        dictionary of C(name), the reference, and C(platform), which adds a variant that the image's configuration does not
        say. A 32-bit ARM image that says none is taken for v7, as engines do.
      - One that is an index itself brings all of its images, or only the one for C(platform), and BuildKit's attestations
        about them.
      - Those in another repository are copied into O(name)'s, by mounting their layers there.
      - Required for O(state=present), unless there is O(manifests).
    type: list
    elements: raw
  annotations:
    description:
      - Annotations of the index. Their values are strings.
      - They make it an OCI index. Without any, it is a Docker manifest list where all images are Docker's (schema 2), and an
        OCI index where one is not.
    type: dict
  manifests:
    description:
      - Many of them in one task, instead of O(name), O(tags), O(images) and O(annotations). Where one fails the others are joined
        all the same, and the task fails in the end.
    type: list
    elements: dict
    suboptions:
      name:
        description: As O(name).
        type: str
        required: true
      tags:
        description: As O(tags).
        type: list
        elements: str
        aliases: [tag]
        default: []
      images:
        description: As O(images).
        type: list
        elements: raw
      annotations:
        description: As O(annotations).
        type: dict
  state:
    description:
      - V(present) makes the tags point to the index.
      - V(absent) removes the tags, if what they point to was made by this module. The images in it stay. As a registry
        removes an index only with all of its tags, it is refused while a tag that is not named points to it, too; and the
        registry must allow deletion.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: trusted.crossbuild.docker_image
notes:
  - In check mode images may be missing that tasks before this one would push. Then it says that it would join them, with a
    warning, and returns neither digest nor platforms.
  - What this module made is known by its bytes. It writes the JSON in a form of its own, which other programs do not.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: One tag for both kinds of ARM
  trusted.crossbuild.docker_manifest:
    name: registry.example/app
    tags: ["1.10", latest]
    images:
      - registry.example/app:1.10-armhf
      - registry.example/app:1.10-arm64

- name: With credentials, an authority of our own, and an image that does not say which ARM it is for
  trusted.crossbuild.docker_manifest:
    name: registry.example:5000/app:1.10
    images:
      - name: registry.example:5000/parts/app:armv6
        platform: linux/arm/v6
      - registry.example:5000/parts/app@sha256:2b1fcb6e5d3a7f0c9a4d9e1b58c7c6f1f0c3e3b2a4958b7c6d5e4f3a2b1c0d9e
    username: builder
    password: "{{ registry_password }}"
    ca_path: /etc/ssl/certs/registry-ca.pem
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
manifests:
  description:
    - What came of each, as it was named, with C(name), C(changed), and what is returned for a single one. Where it failed there is
      C(error), which says why.
  returned: with O(manifests)
  type: list
  elements: dict
digest:
  description: The digest of the index.
  returned: with O(name), when O(state=present) and all images are in the registry
  type: str
  sample: sha256:3ef0
media_type:
  description: The index's media type.
  returned: with O(name), when O(state=present) and all images are in the registry
  type: str
  sample: application/vnd.docker.distribution.manifest.list.v2+json
platforms:
  description: Each platform, and the digest of the image that its engines get.
  returned: with O(name), when O(state=present) and all images are in the registry
  type: dict
  sample:
    linux/arm/v7: sha256:5d1c
    linux/arm64: sha256:9c31
tags:
  description: The tags, with their repository.
  returned: with O(name), when O(state=present)
  type: list
  elements: str
  sample: ["registry.example/app:1.10", "registry.example/app:latest"]
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _manifest_join, _module, _registry_options

INDEX_SPEC = {
    "tags": {"type": "list", "elements": "str", "aliases": ["tag"], "default": []},
    "images": {"type": "list", "elements": "raw"},
    "annotations": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "name": {"type": "str"},
    **INDEX_SPEC,
    "manifests": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, **INDEX_SPEC},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **_registry_options.REGISTRY_SPEC,
}


def main() -> None:
    _module.run(
        ARGUMENT_SPEC,
        _manifest_join.run,
        required_one_of=[("name", "manifests")],
        mutually_exclusive=[("manifests", one) for one in ("name", "images", "annotations")],
        required_together=_registry_options.REGISTRY_REQUIRED_TOGETHER,
    )


if __name__ == "__main__":
    main()
