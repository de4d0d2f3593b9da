"""Where the tests find their parts. `./check` puts them there."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = REPOSITORY / "tests"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wellhead-tests"
JARS = CACHE / "jars"
MYSQL_ROOT = CACHE / "mysql"
MARIADB_11_ROOT = CACHE / "mariadb-11"
MARIADB_PLUGINS = CACHE / "mariadb-plugins"
RECORD_SCHEMA = REPOSITORY / "docs" / "clients" / "record.avsc"


def wellhead_binary():
    """The binary under test: `WELLHEAD_BINARY`, or the release build."""
    named = os.environ.get("WELLHEAD_BINARY")
    if named:
        return Path(named)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target")
    return target / "release" / "wellhead"
