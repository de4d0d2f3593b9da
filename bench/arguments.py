"""What `bench/run` takes. Needs nothing but Python, so that `--help` answers at once."""

import argparse

ROWS_MIN = 2000


def parse(known):
    """The arguments, checked; `known` are the names of the rows."""
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measures Wellhead, row by row of one table, against the source's own raw dump and the peers on "
        "the same machine in the same run. Prints the table, and writes every round to bench/results/.",
    )
    parser.add_argument("row", nargs="*", metavar="ROW", help="only these rows; all of them unless named")
    parser.add_argument("--list", action="store_true", help="name the rows and what each measures")
    parser.add_argument("--rounds", type=_at_least_one, default=3, metavar="K",
                        help="how often each side of a row is measured, in turn (default 3)")
    parser.add_argument("--peer-rounds", type=_at_least_one, default=1, metavar="K",
                        help="in how many of them Debezium and Canal take part (default 1: they take minutes)")
    parser.add_argument("--no-peers", action="store_true", help="without Debezium, Canal and Kafka")
    parser.add_argument("--tiny", action="store_true", help="everything small: only proves that it runs")
    parser.add_argument("--rows", type=_rows, metavar="N", help="row changes in a binlog, at least, instead of its own")
    parser.add_argument("--per-statement", type=_at_least_one, metavar="N",
                        help="rows that a statement changes at most, instead of the row's own")
    parser.add_argument("--fresh", action="store_true", help="make the binlogs anew even if there are any")
    parser.add_argument("--keep", action="store_true", help="leave what was measured last, and say where")
    parser.add_argument("--output", metavar="FILE", help="where the JSON goes, instead of bench/results/")
    asked = parser.parse_args()
    unknown = [name for name in asked.row if name not in known]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}. There are: {', '.join(known)}")
    return asked


def _rows(text):
    number = int(text.replace("_", ""))
    if number < ROWS_MIN:
        raise argparse.ArgumentTypeError(f"at least {ROWS_MIN}")
    return number


def _at_least_one(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    parse(())
