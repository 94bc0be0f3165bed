#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: binfmt
short_description: Register emulators with the kernel, now and for every boot
version_added: 0.1.0
description:
  - Makes the kernel run programs of other platforms by QEMU, through C(binfmt_misc), and proves it by running one of each.
  - Entries are compared by what they mean - which programs they match, by which file and flags they run them - not by
    name. An entry of the distribution that does the same is left alone; an emulator that was upgraded since its
    registration is registered again.
  - Entries are registered with the flags P (argv[0] arrives), O (the emulator gets the program as an open file) and F
    (the emulator works in containers that do not have it).
  - On hosts with systemd or OpenRC the same is made sure of for every boot, by a file in C(/etc/binfmt.d) where the
    distribution's own configuration does not do it. Entries that are not about the platforms asked for are not touched.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
options:
  platforms:
    description:
      - The platforms to register, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
      - Platforms that the host's kernel runs natively need no entry and are passed over.
    type: list
    elements: str
    default: [linux/arm/v7, linux/arm64]
  state:
    description:
      - V(present) registers.
      - V(absent) removes what this module registered. Where something registers entries at boot, what the distribution's
        own configuration says is brought back.
    type: str
    choices: [present, absent]
    default: present
  conflict:
    description:
      - What to do about an entry of another name that handles the programs of a platform asked for, but not as well as
        this module's would, for example without flag F.
      - V(fail) fails and says what is wrong with it, V(replace) removes it, V(adopt) uses it as it is if it proves to work.
      - A file in C(/etc/binfmt.d) that stands where this module's would, and was not written by it, is overwritten with
        V(replace) only.
    type: str
    choices: [fail, replace, adopt]
    default: fail
  boot:
    description:
      - What registers entries at boot on this host. V(auto) finds out; V(none) registers with the kernel only.
    type: str
    choices: [auto, systemd, openrc, none]
    default: auto
  mount_point:
    description: Where C(binfmt_misc) is mounted, or is to be.
    type: path
    default: /proc/sys/fs/binfmt_misc
seealso:
  - module: trusted.crossbuild.qemu_user_static
  - module: trusted.crossbuild.platform_info
  - name: The kernel's documentation of binfmt_misc
    description: What an entry and its flags mean.
    link: https://docs.kernel.org/admin-guide/binfmt-misc.html
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Run 32-bit and 64-bit ARM programs, in containers too
  trusted.crossbuild.binfmt:
    platforms: [armhf, arm64]

- name: Take away what the task above added
  trusted.crossbuild.binfmt:
    platforms: [armhf, arm64]
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in words.
  returned: always
  type: list
  elements: str
entries:
  description: The entry that handles the programs of each architecture, by QEMU's name of it; V(null) where none does.
  returned: always
  type: dict
  sample:
    arm:
      name: qemu-arm
      interpreter: /usr/libexec/qemu-binfmt/arm-binfmt-P
      flags: POF
native:
  description: The platforms that need no entry, because the kernel runs them itself.
  returned: always
  type: list
  elements: str
persistent:
  description: Whether a boot brings the entries back.
  returned: always
  type: bool
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _module, _registration

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["linux/arm/v7", "linux/arm64"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "conflict": {"type": "str", "choices": ["fail", "replace", "adopt"], "default": "fail"},
    "boot": {"type": "str", "choices": ["auto", "systemd", "openrc", "none"], "default": "auto"},
    "mount_point": {"type": "path", "default": "/proc/sys/fs/binfmt_misc"},
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _registration.run)


if __name__ == "__main__":
    main()
