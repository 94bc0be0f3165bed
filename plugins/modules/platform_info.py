#!/usr/bin/python
# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_info
short_description: Find out by executing which platforms a host can run
version_added: 0.1.0
description:
  - Runs a tiny program of every platform asked for, in an empty root directory as a container would, and reports what
    happened. Nothing is concluded from configuration files alone.
  - A platform that cannot be run is not a failure of this module; it is reported with a reason and what to do about it.
extends_documentation_fragment:
  - trusted.crossbuild.attributes.info
options:
  platforms:
    description:
      - The platforms to try, in the spelling of Docker (V(linux/arm/v7)), Debian (V(armhf)), QEMU (V(aarch64)) or
        uname (V(armv7l)), or V(all).
    type: list
    elements: str
    default: [all]
  mount_point:
    description: Where C(binfmt_misc) is mounted.
    type: path
    default: /proc/sys/fs/binfmt_misc
notes:
  - Without root the programs are run in place and not in a root directory of their own, so RV(details[].in_containers) is
    not proven and V(false).
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: What can this host run?
  trusted.crossbuild.platform_info:
  register: host

- name: Go on only where 32-bit ARM images run
  ansible.builtin.assert:
    that: "'linux/arm/v7' in host.platforms"
    fail_msg: "{{ host.details['linux/arm/v7'].explanation }}"
"""

RETURN = r"""
platforms:
  description: The platforms that this host can run, natively or emulated, as Docker writes them.
  returned: success
  type: list
  elements: str
  sample: [linux/arm/v7, linux/amd64]
host:
  description: The host's own platform and its kernel's release.
  returned: success
  type: dict
persistent:
  description: Whether something on this host registers entries at boot.
  returned: success
  type: bool
details:
  description: What was found out about each platform, by its name.
  returned: success
  type: dict
  contains:
    status:
      description: V(native), V(emulated) or V(unavailable).
      type: str
    runs:
      description: Whether the program ran.
      type: bool
    in_containers:
      description: Whether it ran where the emulator's file is not visible, as in a container.
      type: bool
    argv0:
      description: Whether the program got its argv[0] unchanged; V(null) where it did not run.
      type: bool
    entry:
      description:
        - The entry of binfmt_misc that handles its programs, with name, interpreter and flags; V(null) where none does.
      type: dict
    emulator_version:
      description: The version of the emulator; V(null) where no entry handles its programs.
      type: str
    reason:
      description:
        - Why it is unavailable, as one word; V(null) where it is not.
        - V(not_registered) - no entry handles its programs.
        - V(disabled) - the entry, or binfmt_misc as a whole, is switched off.
        - V(shadowed) - an entry registered later takes the programs from a good one.
        - V(interpreter_missing) - the entry's interpreter is not there.
        - V(not_fixed) - it runs outside of containers only.
        - V(denied) - the emulator may not be executed.
        - V(refused) - the kernel refused otherwise.
        - V(crashed), V(hung), V(wrong_output) - what became of the program that was run.
        - V(argv0_lost) - it ran, under a wrong name.
      type: str
    explanation:
      description: The same as a sentence, with what to do.
      type: str
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _module, _platform_report

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["all"]},
    "mount_point": {"type": "path", "default": "/proc/sys/fs/binfmt_misc"},
}


def main() -> None:
    _module.run(ARGUMENT_SPEC, _platform_report.run)


if __name__ == "__main__":
    main()
