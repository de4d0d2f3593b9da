"""Doors for Kafka clients: several, each with its advertised address, and what is said of one that nobody reaches."""

import json
import socket
import subprocess

import confluent_kafka
import pytest

from harness import clients, database, paths, ports, wait, wellhead


@pytest.fixture(scope="module")
def tapped(templates, session_folder):
    """A server to tap with one row; doors do not care which kind it is."""
    source = database.EVERY_KIND["mariadb"](session_folder / "doors-source", template=templates["mariadb"]).start()
    source.create_user()
    source.sql("CREATE DATABASE doors", "CREATE TABLE doors.t (id INT PRIMARY KEY)")
    yield source
    source.stop()


def doors(**advertised):
    """Further listeners by name, each with what it advertises; answers their ports and the text."""
    found = {name: ports.free_port() for name in advertised}
    text = "".join(
        f'[[kafka.listener]]\nname = "{name}"\nlisten = "127.0.0.1:{found[name]}"\nadvertised = "{address}"\n'
        for name, address in advertised.items()
    )
    return found, text


def brokers(port, login):
    """What Metadata tells at this door."""
    settings = clients.Confluent.settings(f"127.0.0.1:{port}", login)
    consumer = confluent_kafka.Consumer(settings)
    try:
        told = consumer.list_topics(timeout=20).brokers.values()
        return [(broker.host, broker.port) for broker in told]
    finally:
        consumer.close()


def test_j09_each_door_tells_its_own_address(tapped, new_wellhead):
    found, text = doors(vpc="wh.internal:18003", six="[2001:db8::7]:18002", same="auto")
    server = new_wellhead.serve(text).start()
    server.track_now("doors", tapped, "doors")
    login = server.new_login("doors")
    for port, expected in [
        (found["vpc"], ("wh.internal", 18003)),
        (found["six"], ("2001:db8::7", 18002)),
        (found["same"], ("127.0.0.1", found["same"])),
        (server.kafka_port, ("127.0.0.1", server.kafka_port)),
    ]:
        assert brokers(port, login) == [expected]
    tapped.sql("INSERT INTO doors.t VALUES (1)")
    for port in (server.kafka_port, found["same"]):
        group = server.new_login("doors", f"g{port}")
        assert clients.Confluent().read(f"127.0.0.1:{port}", "doors", clients.COMMITTED, 2, group)
    shown = {one["name"]: one for one in server.api("GET", "/server", expect=200)[1]["listeners"]}
    assert shown["six"]["advertised"] == "[2001:db8::7]:18002" and shown[None]["login"] == "sasl"
    assert shown["vpc"]["listen"] == f"127.0.0.1:{found['vpc']}"


def test_j09_a_client_that_reaches_the_door_and_not_the_advertised_address_is_told_of(tapped, new_wellhead):
    shut = ports.free_port()
    found, text = doors(gone=f"localhost:{shut}")
    server = new_wellhead.serve(text).start()
    server.track_now("doors", tapped, "doors")
    login = server.new_login("doors")
    expected = (
        f"a client came from 127.0.0.1 but the advertised address is localhost:{shut}, it will not come back. "
        "Set advertised of [[kafka.listener]] gone."
    )

    def said():
        return [line for line in server.log.read_text().splitlines() if expected in line]

    # A client that only asks what there is, as monitors do, is no evidence.
    assert brokers(found["gone"], login) == [("localhost", shut)]
    assert not said(), "too early"
    # One that wants to read asks again and again, or for its group's coordinator, and never comes.
    lost = confluent_kafka.Consumer(clients.Confluent.settings(f"127.0.0.1:{found['gone']}", login))
    lost.subscribe(["doors"])
    try:
        wait.until(lambda: lost.poll(0.1) is None and said(), lambda: f"{expected!r} in\n{server.log_tail()}", 60)
    finally:
        lost.close()
    # Once it can be reached, nothing more is said.
    count = len(said())
    assert clients.Confluent().read(server.kafka, "doors", clients.BEGINNING, 1, login)
    assert len(said()) == count


def test_a_java_client_that_cannot_come_is_told_of_too(tapped, new_wellhead):
    shut = ports.free_port()
    found, text = doors(gone=f"127.0.0.1:{shut}")
    server = new_wellhead.serve(text).start()
    server.track_now("doors", tapped, "doors")
    login = server.new_login("doors")
    lost = subprocess.Popen(
        ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{paths.JARS / 'kafka-clients-1'}/*",
         str(paths.TESTS / "java" / "Consume.java"), f"127.0.0.1:{found['gone']}", "doors", "committed", "1",
         login.group, login.user, login.password],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        wait.until(
            lambda: "it will not come back. Set advertised of [[kafka.listener]] gone." in server.log.read_text(),
            lambda: f"the warning in\n{server.log_tail()}", 60,
        )
    finally:
        lost.kill()
        lost.wait(10)


def test_a_taken_address_is_told_with_its_setting(new_wellhead):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = new_wellhead.serve(f'[[kafka.listener]]\nname = "vpc"\nlisten = "127.0.0.1:{port}"\n').spawn()
        assert server.process.wait(30) == 3
    assert f"cannot listen on 127.0.0.1:{port}" in server.log_tail()
    assert "change listen of [[kafka.listener]] vpc, or stop what uses it" in server.log_tail()


def test_a_door_that_anyone_could_open_from_the_network_is_refused(new_wellhead):
    server = new_wellhead.serve('[[kafka.listener]]\nname = "vpc"\nlisten = "0.0.0.0:0"\nsasl = []\n').spawn()
    assert server.process.wait(30) == 2
    assert "ask for certificates with tls.client_ca_file" in server.log_tail()
    checked = wellhead.run("config", "validate", "-c", server.folder / "wellhead.toml", "-o", "json")
    assert checked.returncode == 2
    assert json.loads(checked.stdout or checked.stderr)["error"]["errors"][0]["pointer"].endswith("wellhead.toml:9")
