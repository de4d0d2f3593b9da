"""The programs that Wellhead is measured against, each on the same binlog, server and machine.

Every module of `CAPTURE` has the same two functions:

    prepare() -> dict               brings in what it needs, once, and answers its versions
    run(server, rows, scratch) -> Result
                                    reads the whole binlog of `server` from its start, until it has handed out
                                    `rows` row changes; `scratch` is an empty folder on a real disk

`kafka.Broker` is Apache Kafka alone, for the rows about reading. Everything ends by itself, in error as well.
"""

import dataclasses

# Names of the modules that capture, in the order of the table.
CAPTURE = ("debezium", "connect", "canal")


class Failed(RuntimeError):
    """A peer did not do what was asked; its figures would be worthless."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run took. Processes of a peer that has several are added up."""

    rows: int
    # From the start of the first process that belongs to the capture until the last row change was handed out.
    seconds: float
    # The part of it before the first row change was handed out: a Java machine's start, mostly.
    first_row_seconds: float
    # User and system, until the last row change.
    cpu_seconds: float
    peak_rss_bytes: int
    # The database server's share while the peer read.
    server_cpu_seconds: float
    # Versions, settings and the figures of single processes, for the JSON.
    note: dict
