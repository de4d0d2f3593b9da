"""The benchmark runs, measures what it says, and its page shows its figures. No time is judged here."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from harness import paths

BENCH = paths.REPOSITORY / "bench"
sys.path.append(str(BENCH))

import line
import plots
import statistic
import svg
import table
import write_docs
from rows import fetch as fetch_rows
from rows import latency, registry

TINY = ("catch-up", "latency", "fetch", "fetch-discard", "consumers")


def run_bench(tmp_path, *arguments, **environment):
    output = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-B", str(BENCH / "main.py"), "--tiny", "--no-peers", "--output", str(output), *arguments],
        capture_output=True, text=True, timeout=300, env=os.environ | environment,
    )
    return done, json.loads(output.read_text())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """One run of the rows that need nothing but MySQL and Wellhead."""
    done, report = run_bench(tmp_path_factory.mktemp("bench"), *TINY)
    assert done.returncode == 0, done.stderr
    return done.stdout, report


def test_every_row_that_was_asked_for_is_in_the_table_and_in_the_json(tiny):
    printed, report = tiny
    assert tuple(report["rows"]) == TINY and not report["failed"]
    for name in TINY:
        for one in registry.ALL[name].lines(report["rows"][name]):
            assert one.work in printed


def test_a_catch_up_has_every_row_durable_and_the_dump_beside_it(tiny):
    measured = tiny[1]["rows"]["catch-up"]
    [one] = measured["rounds"]
    catch_up = one["wellhead"]
    assert measured["rows"] == catch_up["rows"] >= 4_000
    assert catch_up["records"] == measured["rows"] + 2 * measured["transactions"] + 2 + catch_up["heartbeats"]
    assert one["raw"]["seconds"] > 0 and catch_up["cpu_seconds"] > 0 and catch_up["memory_peak_mib"] > 1


def test_latency_is_measured_for_each_row_at_each_rate(tiny):
    [one] = tiny[1]["rows"]["latency"]["rounds"]
    for rate in latency.RATES:
        figures = one[str(rate)]
        assert figures["min_ms"] <= figures["p50_ms"] <= figures["p90_ms"] <= figures["p99_ms"] <= figures["max_ms"]


def test_all_readers_read_the_whole_log(tiny):
    rows = tiny[1]["rows"]
    fetch, discard = rows["fetch"], rows["fetch-discard"]["rounds"][0]["wellhead"]
    assert fetch["rounds"][0]["wellhead"]["records"] == fetch["records"]
    assert discard["records"] >= fetch_rows.PASSES * rows["fetch-discard"]["records"]
    followed = rows["consumers"]["rounds"][0]["with"]
    assert followed["readers"]["records_least"] >= followed["records"] - followed["heartbeats"]


def test_a_row_that_fails_is_told_and_the_others_go_on(tmp_path):
    done, report = run_bench(tmp_path, "latency", "idle-tasks", WELLHEAD_BINARY="/bin/false")
    assert done.returncode == 1 and not report["rows"]
    assert set(report["failed"]) == {"latency", "idle-tasks"} and "FAILED: idle-tasks" in done.stderr


def test_latency_of_rows_that_did_not_all_come_is_no_figure():
    with pytest.raises(RuntimeError):
        latency.figures([10, 20], [(0, 11), (1, 21)], 3)
    with pytest.raises(RuntimeError):
        latency.figures([10, 20], [(1, 21), (0, 22)], 2)
    figures = latency.figures([1_000_000, 2_000_000], [(0, 3_000_000), (1, 5_000_000)], 2)
    assert (figures["min_ms"], figures["p50_ms"], figures["max_ms"]) == (2.0, 2.0, 3.0)


def test_percentiles_are_values_that_occurred():
    values = list(range(1, 101))
    assert [statistic.percentile(values, share) for share in (0, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert statistic.percentile([7], 0.99) == 7
    assert statistic.percentile([3, 1, 2], 0.5) == 2


def test_a_bound_is_met_from_its_own_side():
    more = line.Line("work", "", "", 0.6, "times", 0.5, 0.8)
    assert more.met() == "must"
    less = {figure: line.Line("w", "", "", figure, "ms", 10, 3, more_is_better=False).met() for figure in (2, 3, 9, 11)}
    assert less == {2: "aim", 3: "aim", 9: "must", 11: "no"}
    assert line.Line("work", "", "", 1.0).met() == ""


def test_the_table_is_aligned_and_escapes_bars_in_markdown():
    lines = [line.Line("a | b", "1", "2", 1234.5, "rows/s"), line.Line("longer work", "1", "2", 0.5, "times", 0.5)]
    plain = table.plain(lines).splitlines()
    assert len(plain) == 4 and "1,234 rows/s" in plain[2] and plain[3].index("0.50 times") == plain[2].index("1,234")
    assert "a \\| b" in table.markdown(lines)


def test_axes_are_round_and_reach_the_largest_value():
    for largest in (0.0003, 0.9, 1, 4.2, 99, 100, 101, 1_234_567):
        ticks = svg.y_ticks(largest)
        assert ticks[0] == 0 and ticks[-1] >= largest and len(ticks) <= 7
    assert [svg.short(number) for number in (0, 0.25, 12, 1_500, 2_000_000)] == ["0", "0.25", "12", "1.5 k", "2 M"]


def test_a_plot_is_well_formed_and_has_a_dot_for_each_point():
    points = [(0, 10.0), (1, 20.0), (200, 5.0)]
    text = svg.document([svg.Panel("a < b", "consumers", "rows/s", {"one": points, "two": points[1:]})])
    root = xml.etree.ElementTree.fromstring(text)
    dots = [tag for tag in root.iter() if tag.tag.endswith("circle") and tag.get("r") == "3.5"]
    places = [float(dot.get("cx")) for dot in dots]
    assert len(dots) == 5 and places[:3] == sorted(places[:3]) and places[1:3] == places[3:]


def test_the_page_shows_the_figures_that_lie_beside_it():
    rows = json.loads(write_docs.FIGURES.read_text())
    page = write_docs.DOCUMENT.read_text()
    assert write_docs.figures(rows) in page and write_docs.runs(rows) in page
    assert write_docs.images(rows) in page
    for name, text in plots.all_of(rows).items():
        assert (write_docs.FOLDER / name).read_text() == text
