#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: accelerator
short_description: Have native tools at hand for builds of other platforms
version_added: 0.1.0
description:
  - An emulated build spends most of its time in compilers, shells and archivers, of which the same distribution has the very
    same versions for the host's own processor. This brings what M(trusted.crossbuild.docker_image) needs to run those
    instead, with the Dockerfile and the image as they are. The role P(trusted.crossbuild.accelerator#role) is this and the
    registration with the kernel, and is what to use.
  - Of each emulator it makes a copy that begins with a few hundred bytes of code of this collection, the dispatcher. Where a
    build has an accelerator, it runs the accelerator's program instead of a foreign one of the same path; everywhere else
    it is QEMU. M(trusted.crossbuild.binfmt) registers the copies. The emulators' own files stay as they are.
  - For each release and platform it makes an image of native tools, out of the release's packages for the host's
    architecture. A native tool runs only where the program that it stands for is, by its build ID, the one of the same
    version in that release. All others are emulated.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
  - trusted.crossbuild.docker
  - trusted.crossbuild.registry.option
options:
  platforms:
    description:
      - The platforms to accelerate, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
      - Native tools are known for V(linux/arm/v7) and V(linux/arm64). Others are passed over, see RV(unaccelerated). So are
        those that the host runs by itself.
    type: list
    elements: str
    default: [linux/arm/v7, linux/arm64]
  releases:
    description: The releases of Debian that base images are of, by their code names. Known are V(bookworm) and V(trixie).
    type: list
    elements: str
    default: [bookworm, trixie]
  state:
    description:
      - V(present) makes what is missing, damaged, or of another emulator or version of this collection than is here.
      - V(latest) also makes accelerators anew where their packages have newer versions. Base images that were updated are
        accelerated again by that.
      - V(absent) takes all of it away, for all platforms, with the packages that were installed for it. After that
        M(trusted.crossbuild.binfmt) has to register the emulators.
    type: str
    choices: [present, latest, absent]
    default: present
  dispatcher:
    description: The text of C(dispatcher.c), which is in the role's files. Required unless O(state=absent).
    type: str
  launcher:
    description: The text of C(launcher.c), which is in the role's files. Required unless O(state=absent).
    type: str
  repository:
    description:
      - A repository in a registry (V(registry.example:5000/farm/accelerator)) in which hosts leave accelerators for each other,
        so that one makes each and the others pull it. Who may write there decides by what programs images are built.
    type: str
notes:
  - Packages are fetched by apt, past what it knows of the host, from the host's own package sources with the release's name
    in place. So accelerators are made on hosts with Debian. Other hosts can take them from O(repository).
  - Needs gcc, which is installed where it is missing and something is to be made.
  - Linux 5.12 and QEMU 6.0, or newer. Not on hosts whose entries have flag C.
  - Making one takes about half a minute, and 1.5 GB in the directory for temporary files (E(TMPDIR)).
  - Security software may take a changed copy of a program for an infected one. The digest that is in it, and the source that
    it is made of, are this collection's.
seealso:
  - module: trusted.crossbuild.binfmt
  - module: trusted.crossbuild.docker_image
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Accelerate builds for armhf on base images of Debian 12, as one host has made it for all
  trusted.crossbuild.accelerator:
    platforms: [armhf]
    releases: [bookworm]
    dispatcher: "{{ lookup('ansible.builtin.file', 'dispatcher.c') }}"
    launcher: "{{ lookup('ansible.builtin.file', 'launcher.c') }}"
    repository: registry.example:5000/farm/accelerator

- name: Take everything away
  trusted.crossbuild.accelerator:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
dispatchers:
  description: The copies of emulators, by QEMU's name of the architecture.
  returned: when an engine answers
  type: dict
  contains:
    path:
      description: The copy.
      type: str
    emulator:
      description: The emulator that it is a copy of.
      type: str
    registered:
      description: Whether the kernel runs the architecture's programs by it, as it is now.
      type: bool
images:
  description: The accelerators on the engine.
  returned: when an engine answers
  type: list
  elements: dict
  contains:
    release:
      description: The release of Debian that it is for.
      type: str
    platform:
      description: The platform that it is for.
      type: str
    image:
      description: The image's name. Its tag ends in the digest of what it holds.
      type: str
    id:
      description: The image's ID.
      type: str
    packages:
      description: The versions of the packages that its programs stand in for, by name.
      type: dict
unaccelerated:
  description: The platforms asked for that are emulated here, and for which there are no native tools.
  returned: when an engine answers
  type: list
  elements: str
served:
  description: With O(state=absent) the platforms whose programs the kernel still runs by a copy that is gone.
  returned: when O(state=absent)
  type: list
  elements: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import (
    _accelerator,
    _connection,
    _module,
    _registry_options,
)

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["linux/arm/v7", "linux/arm64"]},
    "releases": {"type": "list", "elements": "str", "default": ["bookworm", "trixie"]},
    "state": {"type": "str", "choices": ["present", "latest", "absent"], "default": "present"},
    "dispatcher": {"type": "str"},
    "launcher": {"type": "str"},
    "repository": {"type": "str"},
    "registry": _registry_options.REGISTRY_OPTION,
    **_connection.CONNECTION_SPEC,
}


def main() -> None:
    sources = ("dispatcher", "launcher")
    _module.run(
        ARGUMENT_SPEC,
        _accelerator.run,
        required_if=[("state", "present", sources), ("state", "latest", sources)],
    )


if __name__ == "__main__":
    main()
