"""The rows of the table, each of them an object that measures itself and tells its lines.

    name, about                   as `bench/run --list` shows them
    measure(context) -> dict      everything that was measured, as JSON
    lines(measured) -> [Line]     the lines of the table, from that JSON alone
"""
