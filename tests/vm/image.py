# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk that the virtual machine starts from: the distribution's own packages, put together once for each recipe."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import debian_archive
from shell import call

CACHE = Path(__file__).resolve().parents[2] / ".cache/vm"

RELEASE = "bookworm"
BACKPORTS = f"{RELEASE}-backports"
USER = "person"
PASSWORD = "as typed"  # nothing outside of the laboratory can connect to the machine

# The kernel for clouds has binfmt_misc as a module, as most distributions' kernels do, and NVMe and ext4 built in.
PACKAGES = ("linux-image-cloud-amd64", "systemd-sysv", "udev", "dbus", "kmod", "openssh-server", "python3", "sudo")
# What takes time, and does nothing for a machine that lives for minutes.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "serial-getty@ttyS0.service",
    "systemd-pstore.service",
)
NETWORK = """\
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
"""
SIZE = "3G"
# In the root to be ($1). The emulators are downloaded and not installed: that is what the role is there for, and an
# emulated machine takes minutes for the download alone. apt takes them from here after it has looked at their hashes.
SETUP = f"""\
set -eu
inside() {{ chroot "$ROOT" env DEBIAN_FRONTEND=noninteractive "$@"; }}
inside useradd --create-home --shell /bin/bash --groups sudo {USER}
echo '{USER}:{PASSWORD}' | inside chpasswd
install --directory --owner 1000 --group 1000 --mode 700 "$ROOT/home/{USER}/.ssh"
install --owner 1000 --group 1000 --mode 600 "$KEY.pub" "$ROOT/home/{USER}/.ssh/authorized_keys"
echo machine >"$ROOT/etc/hostname"
echo '127.0.0.1 localhost machine' >"$ROOT/etc/hosts"
echo '{NETWORK}' >"$ROOT/etc/systemd/network/eth0.network"
inside systemctl --quiet enable systemd-networkd.service
inside systemctl --quiet mask {" ".join(MASKED)}
inside apt-get clean
for release in {RELEASE} {BACKPORTS}; do
    inside apt-get --quiet --yes --download-only --target-release "$release" install qemu-user-static
done
echo 'nameserver 10.0.2.3' >"$ROOT/etc/resolv.conf"
"""
MMDEBSTRAP = debian_archive.mmdebstrap(
    PACKAGES,
    "--skip=cleanup/apt,cleanup/reproducible,cleanup/tmp",
    '--customize-hook=ROOT="$1" sh "$SETUP"',
    RELEASE,
)


@dataclass(frozen=True)
class Image:
    """A directory with a disk (a sparse ext4 filesystem, raw), the kernel in it, and the key to log in with."""

    directory: Path

    @property
    def disk(self) -> Path:
        return self.directory / "disk"

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def key(self) -> Path:
        return self.directory / "id"


def image() -> Image:
    """The one of the cache, made when there is none of this recipe."""
    sources = debian_archive.sources(RELEASE, BACKPORTS)
    parts = (*MMDEBSTRAP, *sources, SETUP, SIZE)
    found = Image(CACHE / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16])
    if not found.directory.exists():
        for old in CACHE.glob("*"):
            shutil.rmtree(old)
        unfinished = Image(found.directory.with_suffix(".unfinished"))
        unfinished.directory.mkdir(parents=True)
        make(unfinished, sources)
        unfinished.directory.rename(found.directory)
    return found


def make(target: Image, sources: list[str]) -> None:
    call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", target.key)
    with tempfile.TemporaryDirectory() as scratch:
        root, setup = Path(scratch, "root"), Path(scratch, "setup")
        setup.write_text(SETUP)
        # Booted without an initial RAM disk, which takes longer to make than all the rest.
        variables = (f"TMPDIR={scratch}", f"SETUP={setup}", f"KEY={target.key}", "INITRD=No")
        call("env", *variables, *MMDEBSTRAP, root, *sources)
        shutil.copyfile(root / "vmlinuz", target.kernel)
        call("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, target.disk, SIZE)
