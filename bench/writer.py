"""Writes to a table at a steady rate and notes when each commit returned; a process of its own.

`writer.py SOCKET RATE SECONDS PER_COMMIT OUT`: transactions of PER_COMMIT rows, RATE rows a second. OUT becomes a JSON
list with the monotonic nanoseconds at which each transaction's commit was answered.
"""

import gc
import json
import sys
import time

import pymysql

TABLE = "shop.live"
DEFINITION = (
    f"CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, "
    "total DECIMAL(12, 2) NOT NULL, ordered DATETIME(3) NOT NULL, note VARCHAR(200) NOT NULL)"
)
# Stands in the note of each row, with the number of its transaction behind it.
MARK = "commit number "
DIGITS = 10


def main():
    socket, rate, seconds, per_commit, out = sys.argv[1:]
    rate, seconds, per_commit = int(rate), float(seconds), int(per_commit)
    commits = max(1, int(rate * seconds) // per_commit)
    every_s = per_commit / rate
    row = "(%d, 129.90, NOW(3), '%s%0*d, leave at the door')"
    returned = []
    gc.disable()
    with pymysql.connect(unix_socket=socket, user="root", password="", autocommit=True) as connection:
        cursor = connection.cursor()
        began = time.monotonic()
        for number in range(commits):
            rows = ",".join(row % (line, MARK, DIGITS, number) for line in range(per_commit))
            pause = began + number * every_s - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            cursor.execute(f"INSERT INTO {TABLE} (customer, total, ordered, note) VALUES {rows}")
            returned.append(time.monotonic_ns())
    with open(out, "w") as file:
        json.dump(returned, file)


if __name__ == "__main__":
    main()
