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
    packages, from an archive, or from an image.
  - A dynamically linked emulator does not count, because it cannot work in containers.
  - What is added is recorded on the host, so that O(state=absent) takes away exactly that.
  - Warns about versions of QEMU that are known to be broken for a platform asked for.
extends_documentation_fragment:
  - trusted.crossbuild.attributes
  - trusted.crossbuild.docker
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
      - V(present) installs emulators where they are missing, or not those that were asked for.
      - V(rolled_back) puts in use the version that was in use before the newest one from an archive or an image came. When it
        is in use already, nothing changes, however often this is asked for. V(present) with the newest one's archive or
        image goes forward again.
      - V(absent) removes the packages that this module added, what came from archives and images, and the kernel's entries
        that ran their emulators.
    type: str
    choices: [present, rolled_back, absent]
    default: present
  source:
    description:
      - V(package) takes the emulators of the distribution. They get its updates and need no attention; the version is the
        distribution's, which may be old. An emulator that is there already is used, wherever it came from, unless
        O(version) or O(default_release) say more.
      - V(archive) takes them from a tar or a Debian package, without any package source. For hosts without a network, for
        distributions without such a package (RHEL and its rebuilds), and where all hosts shall have the same version. Nobody
        updates them but you.
      - V(image) takes them from an image, through the Docker Engine. Useful where a registry is what the hosts reach anyway.
        The image is never started.
      - Archive and image go to a directory of their own version in C(/opt/trusted.crossbuild/qemu), where the link C(current)
        is switched to it as the last step, so that builds that run are not disturbed, and an installation that is interrupted
        leaves the one in use as it was. The version that was in use stays, for O(state=rolled_back). C(current) is
        preferred to emulators of packages.
      - After a change, M(trusted.crossbuild.binfmt) registers the new emulators.
    type: str
    choices: [package, archive, image]
    default: package
  version:
    description:
      - The version of the packages, or its beginning. V(10.0) means any 10.0.x, V(1:10.0.2+ds-2) exactly that one.
      - Packages in another version are upgraded or downgraded. Which versions can be had is up to the package sources; pacman
        has one of each package.
    type: str
  default_release:
    description:
      - The release to take the packages from, as V(bookworm-backports). Only for apt.
      - The package sources have to know it. Adding it to them is not done here.
      - Packages from that release stay as they are when it has newer ones later.
    type: str
  archive:
    description:
      - The archive, as a path on the host or as a URL that begins with C(http), C(https) or C(file). Proxies are taken from the
        environment.
      - A tar, compressed or not by what Python knows (gzip, bzip2, xz) or by zstd where the program C(zstd) is there; or a
        Debian package. Taken are the programs called C(qemu-ARCH-static) or C(qemu-ARCH), in whatever directory.
      - Every one must be a static program for this host that runs. If one is not, nothing of the archive is installed.
    type: str
  checksum:
    description: The archive's SHA-256, as V(sha256:DIGITS). Compared before anything is unpacked.
    type: str
  image:
    description:
      - The image, by its digest, as V(tonistiigi/binfmt@sha256:DIGITS). It is pulled where the engine does not have it, and
        removed again.
      - Needs the Docker SDK for Python on the host, as do the options that say how to reach the engine; other sources do not.
    type: str
  lock_timeout:
    description: How long to wait for another run of the package manager, in seconds.
    type: int
    default: 300
notes:
  - Knows apt, dnf, zypper, pacman and apk. With all of them but apk it has been seen installing; on other hosts emulators that
    are there already are found.
  - With pacman the package lists are brought up to date where a package cannot be found. Arch Linux asks that this be followed
    by an upgrade of the whole system.
  - With apk a O(version) is kept by apk as what the package is held at.
seealso:
  - module: trusted.crossbuild.binfmt
author:
  - trusted.crossbuild contributors (@trusted)
"""

EXAMPLES = r"""
- name: Emulators for 32-bit and 64-bit ARM
  trusted.crossbuild.qemu_user_static:
    platforms: [armhf, arm64]

- name: QEMU 10.0 on Debian 12, whose package sources have the backports
  trusted.crossbuild.qemu_user_static:
    version: "10.0"
    default_release: bookworm-backports

- name: The same emulators on every host, without a network
  trusted.crossbuild.qemu_user_static:
    source: archive
    archive: /srv/mirror/qemu-user-static_7.2+dfsg-7_amd64.deb
    checksum: sha256:bb0bce0fd2fbd0ab2d17ea2a1a3f0d0ee0f0a6e7f8c3e1a9f1f5c3a6c0d9e1b2

- name: Emulators out of an image
  trusted.crossbuild.qemu_user_static:
    source: image
    image: registry.example/binfmt@sha256:bb0bce0fd2fbd0ab2d17ea2a1a3f0d0ee0f0a6e7f8c3e1a9f1f5c3a6c0d9e1b2

- name: Back to the version before
  trusted.crossbuild.qemu_user_static:
    state: rolled_back
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
current:
  description: The version in use of those from archives and images, by its directory; none where there is none.
  returned: always
  type: str
  sample: 10.0.2-bb0bce0fd2fb
previous:
  description: The version that O(state=rolled_back) puts in use; none where there is none.
  returned: always
  type: str
  sample: 7.2.22-0c1d2e3f4a5b
"""

from ansible_collections.trusted.crossbuild.plugins.module_utils import _connection, _emulation, _module

ARGUMENT_SPEC = {
    "platforms": {"type": "list", "elements": "str", "default": ["linux/arm/v7", "linux/arm64"]},
    "state": {"type": "str", "choices": ["present", "rolled_back", "absent"], "default": "present"},
    "source": {"type": "str", "choices": ["package", "archive", "image"], "default": "package"},
    "version": {"type": "str"},
    "default_release": {"type": "str"},
    "archive": {"type": "str"},
    "checksum": {"type": "str"},
    "image": {"type": "str"},
    "lock_timeout": {"type": "int", "default": 300},
    **_connection.CONNECTION_SPEC,
}


def main() -> None:
    _module.run(
        ARGUMENT_SPEC,
        _emulation.run,
        required_if=[("source", "archive", ("archive", "checksum")), ("source", "image", ("image",))],
    )


if __name__ == "__main__":
    main()
