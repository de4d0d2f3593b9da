"""The plots of `docs/performance.md`, from the figures of the rows that grow."""

from statistic import median_of
from svg import Panel, document

# {row: (file, what cost is drawn against)}
AGAINST = {
    "grow-transactions": ("transactions.svg", "the size of transactions (10 rows a statement)"),
    "grow-columns": ("columns.svg", "the width of rows (some 16 bytes a column)"),
    "grow-tables": ("tables.svg", "the number of tables"),
    "grow-consumers": ("consumers.svg", "the number of live consumers"),
    "start": ("log.svg", "the size of the log"),
}
MEGA = 1e6


def all_of(rows):
    """{file name: SVG} of what there are figures for."""
    draw = {name: _log if name == "start" else _grown for name in AGAINST if name in rows}
    return {AGAINST[name][0]: drawing(rows[name], AGAINST[name][1]) for name, drawing in draw.items()}


def _grown(measured, against):
    def line(figure):
        points = measured["points"]
        return [(point["x"], median_of(point["rounds"], lambda one: figure(point, one))) for point in points]

    rates = {"rows/s": line(lambda point, one: point["rows"] / one["seconds"])}
    cpu = {"CPU": line(lambda point, one: one["cpu_seconds"] / point["rows"] * MEGA)}
    memory = {"peak": line(lambda point, one: one["memory_peak_mib"])}
    axis = measured["axis"]
    return document([
        Panel(f"Rate of a catch-up against {against}", axis, "row changes a second", rates),
        Panel("CPU of Wellhead", axis, "CPU-s a million row changes", cpu),
        Panel("Resident memory, peak", axis, "MiB", memory),
    ])


def _log(measured, _against):
    def line(figure):
        return [(round(size["starts"]["log_bytes"] / 1e9, 2), figure(size)) for size in measured["sizes"]]

    starts = {
        title: line(lambda size, kind=kind: max(size["starts"][kind]))
        for kind, title in (("clean", "orderly end"), ("killed", "kill -9"), ("killed_cold", "kill -9, nothing cached"))
        if measured["sizes"][0]["starts"][kind]
    }
    rate = {"MB/s": line(lambda size: size["growing"]["log_bytes"] / MEGA / size["growing"]["seconds"])}
    memory = {
        "peak while it grows": line(lambda size: size["growing"]["memory_peak_mib"]),
        "after a start": line(lambda size: size["starts"]["memory_mib"]),
    }
    return document([
        Panel("Start to first answered Fetch", "GB of log", "seconds", starts),
        Panel("Rate while it grows, as the source writes", "GB of log", "MB of log a second", rate),
        Panel("Resident memory", "GB of log", "MiB", memory),
    ])
