"""Writes the figures of the newest runs into `docs/performance.md`, with the plots and the JSON beside it.

`bench/report` without arguments takes what `bench/run` left in bench/results/; with files it takes those. Rows of which
there is no run keep the figures that the documentation has.
"""

import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

import plots
import results
import table
from rows import registry

DOCUMENT = HERE.parent / "docs" / "performance.md"
FOLDER = HERE.parent / "docs" / "performance"
FIGURES = FOLDER / "figures.json"
MARKS = ("<!-- {}: begin -->", "<!-- {}: end -->")


def main():
    reports = [results.read(path) for path in sys.argv[1:] or sorted(results.FOLDER.glob("*.json"))]
    rows = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    rows |= results.newest([report for report in reports if not report.get("tiny", True)])
    rows = {name: rows[name] for name in registry.ALL if name in rows}
    if not rows:
        sys.exit("there are no figures: run bench/run first")
    FOLDER.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(rows, indent=1) + "\n")
    for name, text in plots.all_of(rows).items():
        (FOLDER / name).write_text(text)
    text = DOCUMENT.read_text()
    for name, part in (("figures", figures(rows)), ("runs", runs(rows)), ("plots", images(rows))):
        text = between(text, name, part)
    DOCUMENT.write_text(text)
    print(f"wrote {DOCUMENT.relative_to(HERE.parent)} and {FOLDER.relative_to(HERE.parent)}/")


def figures(rows):
    """The table."""
    measured = (row for row in registry.TABLE if row.name in rows)
    return table.markdown([line for row in measured for line in row.lines(rows[row.name])])


def runs(rows):
    """When, where and of what the rows were measured; one line for each run."""
    lines = ["| date | rows | machine | Wellhead | load before |", "| --- | --- | --- | --- | --- |"]
    of_run = {}
    for name, measured in rows.items():
        of_run.setdefault(json.dumps(measured["about"], sort_keys=True), []).append(name)
    for about, names in of_run.items():
        about = json.loads(about)
        at, machine = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(about["began_unix"])), about["machine"]
        where = f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, Linux {machine['kernel']}"
        version = f"{about['versions']['wellhead']}, {about['versions']['commit']}"
        lines.append(f"| {at} | {', '.join(names)} | {where} | {version} | {about['load_before']:.1f} |")
    others = sorted({
        f"{name} {version}" for measured in rows.values() for peer in (measured.get("versions") or {}).values()
        for name, version in (peer.items() if isinstance(peer, dict) else ())
    } | {measured["server"] for measured in rows.values() if "server" in measured})
    return "\n".join(lines) + (f"\n\nMeasured with {'; '.join(others)}." if others else "")


def images(rows):
    """The plots that there are."""
    drawn = [plots.AGAINST[name] for name in plots.AGAINST if name in rows]
    return "\n\n".join(f"![Cost against {against}]({FOLDER.name}/{file})" for file, against in drawn)


def between(text, name, part):
    """The text with what stands between the marks of that name replaced."""
    begin, end = (mark.format(name) for mark in MARKS)
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{DOCUMENT} has lost its marks {begin} and {end}")
    return f"{head}{begin}\n{part}\n{end}{tail}"


if __name__ == "__main__":
    main()
