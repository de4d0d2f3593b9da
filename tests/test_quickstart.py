"""The first command of the README."""

import os
import subprocess

from harness import paths


def test_quickstart_ends_by_itself_once_changes_arrived(scratch):
    done = subprocess.run(
        [str(paths.REPOSITORY / "quickstart"), "--for", "12s"],
        capture_output=True, text=True, timeout=500, cwd=scratch, env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert '"operation": "INSERT"' in done.stdout or '"INSERT"' in done.stdout
    assert not list(scratch.iterdir()), "the scratch folder is gone"
