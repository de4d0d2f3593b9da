"""Small file systems that can be filled up, or frozen."""

import contextlib
import os
import subprocess

FILLER = "filler"


class Disk:
    """A mounted file system."""

    def __init__(self, folder):
        self.folder = folder

    def free(self):
        """Bytes that a process may still write."""
        now = os.statvfs(self.folder)
        return now.f_bavail * now.f_frsize

    def fill_to(self, free):
        """Somebody else takes space until so much is left."""
        if self.free() <= free:
            return
        path = self.folder / FILLER
        taken = path.stat().st_size if path.exists() else 0
        with open(path, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, taken + self.free() - free)

    def empty(self):
        """Somebody else gives their space back."""
        (self.folder / FILLER).unlink()

    def freeze(self):
        """From now on whoever writes or flushes waits."""
        subprocess.run(["fsfreeze", "--freeze", str(self.folder)], check=True)

    def thaw(self):
        """Whoever waited goes on."""
        subprocess.run(["fsfreeze", "--unfreeze", str(self.folder)], check=True)


def mount(*arguments):
    """Mounts, or changes what is mounted; says what is missing where that is refused."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise PermissionError(
            "this test mounts a file system: run it as root, in a container with CAP_SYS_ADMIN and loop devices. "
            f"mount {' '.join(map(str, arguments))}: {done.stderr.strip()}"
        )


@contextlib.contextmanager
def in_memory(folder, size):
    """A file system of `size` bytes that can be filled to the last one."""
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def in_file(folder, size):
    """A file system of `size` bytes in a file, which can be frozen."""
    folder.mkdir()
    image = folder.with_suffix(".img")
    with open(image, "wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    mount("-o", "loop", image, folder)
    disk = Disk(folder)
    try:
        yield disk
    finally:
        # A process that waits for a frozen disk cannot even be killed. That it is not frozen is no error.
        subprocess.run(["fsfreeze", "--unfreeze", str(folder)], check=False, capture_output=True)
        subprocess.run(["umount", "-l", str(folder)], check=True)
        image.unlink()
