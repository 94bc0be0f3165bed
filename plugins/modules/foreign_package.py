#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: foreign_package
short_description: Unpack a package of another architecture into a directory
version_added: 0.1.0
description:
  - Fetches a package of another architecture with the host's own package manager, from the sources the host is configured
    with and with their signatures checked, and unpacks its files into a directory. Nothing is installed, no script of the
    package is run, and the package manager's own lists stay as they are.
  - Good for making a base image where there is no registry to take one from.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  name:
    description: The package's name.
    type: str
    required: true
  platform:
    description:
      - The platform to fetch it for, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)).
    type: str
    required: true
  dest:
    description:
      - The directory for the package's files. It belongs to this module and is replaced as a whole.
    type: path
    required: true
  state:
    description:
      - V(present) unpacks the newest version where none is there yet, and keeps what is there; V(latest) also looks for a
        newer one; V(absent) removes the directory, if this module made it.
    type: str
    choices: [present, latest, absent]
    default: present
notes:
  - Knows apt only.
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Busybox for 32-bit ARM, as one static program
  trusted.crossbuild.foreign_package:
    name: busybox-static
    platform: armhf
    dest: /var/cache/trusted.crossbuild/armbuild-busybox
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
version:
  description: The version of the package in O(dest); V(null) where there is none.
  returned: always
  type: str
dest:
  description: The directory.
  returned: always
  type: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _foreign_package, _module

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "platform": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "latest", "absent"], "default": "present"},
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _foreign_package.run)


if __name__ == "__main__":
    main()
