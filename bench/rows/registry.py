"""All rows, in the order of the table, and those of the plots."""

from rows import catch_up, connections, consumers, fetch, growth, latency, memory, start, tasks

TABLE = (
    catch_up.ORDERS,
    catch_up.BULK,
    catch_up.WIDE,
    catch_up.MILLION,
    catch_up.MARIADB,
    latency.LATENCY,
    fetch.LIBRDKAFKA,
    fetch.DISCARDING,
    consumers.Consumers(),
    memory.Memory(),
    start.Start(),
    tasks.Idle(),
    tasks.Busy(),
    connections.Connections(),
)
GROWTH = (growth.TRANSACTIONS, growth.COLUMNS, growth.TABLES, growth.CONSUMERS)
ALL = {row.name: row for row in (*TABLE, *GROWTH)}
GROUPS = {
    "table": [row.name for row in TABLE],
    "grow": [row.name for row in GROWTH],
    "tasks": ["idle-tasks", "busy-tasks"],
}


def names(asked):
    """The names of rows that these names of rows and groups stand for; the table's where nothing is asked for."""
    wanted = [name for word in asked or ["table"] for name in GROUPS.get(word, [word])]
    return list(dict.fromkeys(wanted))
