"""Every client reads from the beginning, from a second, and resumes where it committed."""

import pytest

from harness import clients, record, wait, wellhead

PER_CLIENT = pytest.mark.parametrize("client", clients.ALL, ids=lambda client: client.name)


@pytest.fixture(scope="module")
def served(source, session_folder):
    """One `wellhead serve` with one task and sixty rows, committed over more than two seconds."""
    schema = "served"
    source.sql(f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.t (id INT PRIMARY KEY, v VARCHAR(20))")
    server = wellhead.Wellhead.serve(session_folder / f"serve-{source.kind}").start()
    server.track_now(schema, source, schema)
    login = server.new_login(schema)
    follower = clients.Follower(server.kafka, schema, login)
    for number in range(60):
        source.sql(f"INSERT INTO {schema}.t VALUES ({number}, 'row {number}')")
        if number % 20 == 19:
            last = follower.wait_for_rows(number + 1)[-1]["sourceTimestamp"]
            wait.until(lambda then=last: source.sql("SELECT UNIX_TIMESTAMP()")[0][0] > then, "the next second")
    follower.close()
    yield server, schema, login
    server.kill()
    source.sql(f"DROP DATABASE {schema}")


@PER_CLIENT
def test_a_client_reads_from_the_beginning(served, client):
    server, topic, login = served
    expected = clients.Confluent().read(server.kafka, topic, clients.BEGINNING, 150, login)
    assert client.read(server.kafka, topic, clients.BEGINNING, 150, login) == expected
    rows = [record.after(entry)["id"] for entry in decoded(expected) if record.is_row(entry)]
    assert rows == list(range(len(rows))) and len(rows) > 30


@PER_CLIENT
def test_a_client_reads_from_a_second(served, client):
    server, topic, login = served
    everything = clients.read_all(server.kafka, topic, login)
    seconds = sorted({entry["sourceTimestamp"] for _, entry in everything if record.is_row(entry)})
    assert len(seconds) >= 3, "the rows lie in different seconds"
    expected = next(offset for offset, entry in everything if entry["sourceTimestamp"] >= seconds[1])
    [(offset, value)] = client.read(server.kafka, topic, seconds[1], 1, login)
    assert offset == expected > 0
    assert record.decode(value)["sourceTimestamp"] >= seconds[1]


@PER_CLIENT
def test_a_client_commits_and_resumes(served, client):
    server, topic, _ = served
    login = server.new_login(topic, f"g_{client.name.replace('-', '_')}"[:16])
    first = client.read(server.kafka, topic, clients.COMMITTED, 25, login)
    second = client.read(server.kafka, topic, clients.COMMITTED, 25, login)
    assert [offset for offset, _ in first + second] == list(range(50))


def decoded(taken):
    return [record.decode(value) for _, value in taken]
