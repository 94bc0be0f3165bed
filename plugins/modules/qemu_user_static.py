#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: qemu_user_static
short_description: Install QEMU's static user-mode emulators
version_added: 0.1.0
description:
  - Makes sure that a statically linked emulator is on the host for every platform asked for, from the distribution's
    packages.
  - A dynamically linked emulator does not count, because it cannot work in containers.
  - An emulator that is there already is used, wherever it came from. What is added is recorded on the host, so that
    O(state=absent) takes away exactly that.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  platforms:
    description:
      - The platforms to emulate, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
      - Platforms that the host's kernel runs natively need no emulator and are passed over.
    type: list
    elements: str
    default: [linux/arm/v7, linux/arm64]
  state:
    description:
      - V(present) installs emulators where they are missing.
      - V(absent) removes the packages that this module added, and the kernel's entries that ran their emulators.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Installs with apt only. On other hosts, emulators that are there already are found.
seealso:
  - module: trusted.crossbuild.binfmt
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Emulators for 32-bit and 64-bit ARM
  trusted.crossbuild.qemu_user_static:
    platforms: [armhf, arm64]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
emulators:
  description: The emulators found, by QEMU's name of the architecture.
  returned: always
  type: dict
  sample:
    arm:
      path: /usr/bin/qemu-arm-static
      version: 7.2.22
      linkage: static-pie
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _emulator_packages, _module

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["linux/arm/v7", "linux/arm64"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _emulator_packages.run)


if __name__ == "__main__":
    main()
