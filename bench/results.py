"""The figures of runs as JSON files, and the newest figures of each row over several of them."""

import json
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "results"


def place(names, began_unix):
    """Where the report of a run of these rows goes, beside the others."""
    FOLDER.mkdir(exist_ok=True)
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began_unix))
    return FOLDER / f"{'-'.join(names) if len(names) < 4 else 'table'}-{at}.json"


def write(report, path):
    """Writes the report."""
    Path(path).write_text(json.dumps(report, indent=1) + "\n")


def read(path):
    """One report."""
    return json.loads(Path(path).read_text())


def newest(reports):
    """One report with the newest figures of each row; each row keeps when, where and of what it was measured."""
    rows = {}
    for report in sorted(reports, key=lambda one: one["began_unix"]):
        about = {key: report[key] for key in ("began_unix", "machine", "versions", "load_before")}
        for name, measured in report["rows"].items():
            rows[name] = {"about": about, **measured}
    return rows
