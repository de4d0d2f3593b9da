"""What `bench/run` takes. Needs nothing but Python, so that `--help` answers at once."""

import argparse

ROWS_MIN = 2000


def parse():
    """The arguments, checked."""
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Wellhead's catch-up of a MySQL binlog into its durable log, against the raw dump of the same "
        "binlog by mysqlbinlog. Prints a table, and writes the figures of every round to bench/results/.",
    )
    parser.add_argument("--rows", type=_rows, metavar="N",
                        help="row changes in the binlog, at least (default 2400000, with --wide 1200000)")
    parser.add_argument("--wide", action="store_true", help="a table of 40 columns instead of 8")
    parser.add_argument("--per-statement", type=_at_least_one, default=2, metavar="N",
                        help="rows that a statement changes at most: few make many small events (default 2)")
    parser.add_argument("--rounds", type=_at_least_one, default=3, metavar="K",
                        help="how often each of both is measured, in turn (default 3)")
    parser.add_argument("--fresh", action="store_true", help="make the binlog anew even if there is one")
    parser.add_argument("--keep", action="store_true", help="leave the last dump and Wellhead's last data folder")
    return parser.parse_args()


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
    parse()
