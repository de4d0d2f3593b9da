"""All rows, in the order of the table."""

from rows import catch_up, consumers, fetch, latency, memory, start, tasks

ALL = {
    row.name: row
    for row in (
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
    )
}
