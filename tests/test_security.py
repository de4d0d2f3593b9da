"""Who may come in, what they see, and what a stranger can do: from the attacker's side."""

import contextlib
import re
import resource
import socket
import struct
import subprocess
import urllib.request
import uuid

import confluent_kafka
import kafka
import pytest

from differential import codec, schema
from harness import clients, paths, wait, wellhead

# Nothing here depends on the kind of the source.
pytestmark = pytest.mark.parametrize("source", ["mariadb"], indirect=True, scope="session")

MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
TASK, FOREIGN = "shop", "other"
ROWS = 3
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
WRONG_PASSWORD = "Wr0ng-and-secret"
PATIENCE_S = 30
CLOSED = "(closed)"
NONE, OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION = 0, 1, 2, 3
INVALID_GROUP_ID, TOPIC_AUTHORIZATION_FAILED, UNSUPPORTED_SASL_MECHANISM = 24, 29, 33
UNSUPPORTED_VERSION, SASL_AUTHENTICATION_FAILED = 35, 58
REFUSED = "wellhead_kafka_connections_refused_total"
FAILED = "wellhead_kafka_auth_failures_total"
BROKEN = "wellhead_kafka_protocol_errors_total"


class Guarded:
    """A Wellhead whose clients must log in."""

    def __init__(self, server, catalogue):
        self.server, self.catalogue = server, catalogue

    def connect(self, source=HERE):
        """A connection from this address of the machine."""
        return Raw(self.server.kafka_port, self.catalogue, source)

    def counter(self, name, **labels):
        """A counter's value; one that was never touched is 0."""
        token = (self.server.data / "admin.token").read_text().strip()
        ask = urllib.request.Request(f"http://{self.server.http}/metrics", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(ask, timeout=10) as answer:
            text = answer.read().decode()
        shown = ",".join(f'{key}="{value}"' for key, value in labels.items())
        line = re.escape(name + (f"{{{shown}}}" if shown else ""))
        found = re.search(f"^{line} (\\d+)$", text, re.M)
        return int(found[1]) if found else 0

    def wait_for_counter(self, value, name, **labels):
        """Waits until a counter has reached a value."""
        wait.until(lambda: self.counter(name, **labels) >= value,
                   lambda: f"{name} {labels} to reach {value}; it is {self.counter(name, **labels)}")

    def log_lines(self):
        """What it has logged."""
        return self.server.log.read_text(errors="replace").splitlines()

    def wait_for_line(self, text, behind=0):
        """The lines that hold a text, behind so many others, once there is one: counters come before lines."""
        return wait.until(lambda: [line for line in self.log_lines()[behind:] if text in line],
                          lambda: f"{text!r} in\n{self.server.log_tail()}")


class Raw:
    """A connection whose bytes the test decides."""

    def __init__(self, port, catalogue, source=HERE):
        self.catalogue = catalogue
        self.socket = socket.create_connection((HERE, port), timeout=PATIENCE_S, source_address=(source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, api, version, /, **fields):
        """The fields of an answer, or that the connection was closed instead."""
        answer = self.exchange(codec.request(self.catalogue, api, version, 7, "attacker", fields))
        return answer if answer == CLOSED else codec.response(self.catalogue, api, version, answer)[1]

    def exchange(self, data):
        """Sends bytes and answers the next frame without its length."""
        try:
            self.socket.sendall(data)
            (length,) = struct.unpack(">i", self._take(4))
            return self._take(length)
        except ConnectionError:
            return CLOSED

    def log_in(self, login, password=None):
        """Logs in by PLAIN; answers the error."""
        shaken = self.ask("SaslHandshake", 1, mechanism="PLAIN")
        assert shaken["error_code"] == NONE, shaken
        token = f"\0{login.user}\0{password or login.password}".encode()
        answer = self.ask("SaslAuthenticate", 2, auth_bytes=token)
        return answer if answer == CLOSED else answer["error_code"]

    def is_closed(self):
        """Whether the server ends the connection without another byte."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def _take(self, count):
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return bytes(data)


@pytest.fixture(scope="module", autouse=True)
def enough_files():
    """This process holds more than a thousand sockets, and the Wellheads it starts as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(4_096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def catalogue():
    """Kafka's own definitions of its messages."""
    return schema.Catalogue(paths.JARS)


@pytest.fixture(scope="module")
def shared(source, catalogue, session_folder):
    """A server with two tasks, for all tests that do not change its settings."""
    folder = session_folder / "security"
    server = wellhead.Wellhead.serve(folder).start()
    guarded = Guarded(server, catalogue)
    try:
        logins = []
        for task in (TASK, FOREIGN):
            database = f"security_{task}"
            source.sql(f"CREATE DATABASE {database}", f"CREATE TABLE {database}.t (id INT PRIMARY KEY)")
            server.track_now(task, source, database)
            source.sql(f"INSERT INTO {database}.t VALUES (1), (2), (3)")
            login = server.new_login(task, f"{task}_reader")
            wait.until(lambda: clients.end_of(server.kafka, task, login) > ROWS, f"the rows of {task}", 60)
            logins.append(login)
        guarded.login, guarded.foreign = logins
        yield guarded
    finally:
        server.stop()
        for task in (TASK, FOREIGN):
            source.sql(f"DROP DATABASE IF EXISTS security_{task}")


@pytest.fixture
def limited(source, catalogue, new_wellhead):
    """Makes servers with settings of their own, and a task that never runs."""

    def make(limits):
        server = new_wellhead.serve()
        file = server.folder / "wellhead.toml"
        file.write_text(file.read_text().replace("[kafka]\n", f"[kafka]\nlimits = {{ {limits} }}\n"))
        server.start()
        server.track(TASK, source, "nothing")
        guarded = Guarded(server, catalogue)
        guarded.login = server.new_login(TASK)
        return guarded

    return make


# Logins of real clients.


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_j09_real_clients_log_in_by_every_mechanism(shared, mechanism):
    broker, login = shared.server.kafka, shared.login
    consumer = confluent_kafka.Consumer(
        clients.Confluent.settings(broker, login) | {"sasl.mechanism": mechanism}
    )
    try:
        consumer.assign([confluent_kafka.TopicPartition(TASK, 0, 0)])
        first = wait.until(lambda: consumer.poll(0.2), "a record")
        assert first.error() is None and first.offset() == 0, first.error()
    finally:
        consumer.close()

    settings = clients.KafkaPython.settings(broker, login) | {"sasl_mechanism": mechanism}
    consumer = kafka.KafkaConsumer(**settings)
    try:
        partition = kafka.TopicPartition(TASK, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        polled = wait.until(lambda: consumer.poll(timeout_ms=200), "a record")
        assert polled[partition][0].offset == 0
    finally:
        consumer.close(autocommit=False)

    said = subprocess.run(
        ["kcat", "-L", "-b", broker, "-X", "security.protocol=SASL_PLAINTEXT", "-X", f"sasl.mechanism={mechanism}",
         "-X", f"sasl.username={login.user}", "-X", f"sasl.password={login.password}"],
        capture_output=True, text=True, timeout=60,
    )
    assert said.returncode == 0 and f'topic "{TASK}"' in said.stdout and FOREIGN not in said.stdout, said.stdout + said.stderr


@pytest.mark.parametrize("version, mechanism", [(1, "SCRAM-SHA-256"), (4, "SCRAM-SHA-512")])
def test_j09_java_logs_in_by_scram(shared, version, mechanism):
    jars, login = paths.JARS / f"kafka-clients-{version}", shared.login
    said = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Dsasl.mechanism={mechanism}", "-cp", f"{jars}/*",
         str(paths.TESTS / "java" / "Consume.java"), shared.server.kafka, TASK, "beginning", str(ROWS), login.group,
         login.user, login.password],
        capture_output=True, text=True, timeout=120,
    )
    assert said.returncode == 0 and len(said.stdout.splitlines()) == ROWS, said.stderr


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_j09_wrong_passwords_and_strangers_are_told_the_same(shared, mechanism):
    before = shared.counter(FAILED, mechanism=mechanism)
    stranger = clients.Login(shared.login.group, f"nobody-{shared.login.group}", WRONG_PASSWORD)
    wrong = clients.Login(shared.login.group, shared.login.user, WRONG_PASSWORD)
    said = []
    for login in (stranger, wrong):
        errors = []
        consumer = confluent_kafka.Consumer(
            clients.Confluent.settings(shared.server.kafka, login)
            | {"sasl.mechanism": mechanism, "error_cb": errors.append}
        )
        try:
            consumer.assign([confluent_kafka.TopicPartition(TASK, 0, 0)])
            wait.until(lambda: consumer.poll(0.2) or errors, "an answer to the wrong password")
        finally:
            consumer.close()
        refusals = [error for error in errors if error.code() == confluent_kafka.KafkaError._AUTHENTICATION]
        assert refusals, errors
        said.append(re.search("Authentication failed: .*group id", refusals[0].str())[0])
    assert said[0] == said[1]
    shared.wait_for_counter(before + 2, FAILED, mechanism=mechanism)
    shared.wait_for_line(f'"mechanism":"{mechanism}"')
    log = "\n".join(shared.log_lines())
    for secret in (shared.login.password, WRONG_PASSWORD, stranger.user):
        assert secret not in log


def test_a_login_is_renewed_while_records_come(limited):
    # librdkafka renews a login after nine tenths of its life: what is left is for a busy machine.
    guarded = limited('login_lifetime = "20s"')
    login, errors = guarded.login, []
    silent = guarded.connect()
    assert silent.log_in(login) == NONE
    assert silent.ask("Metadata", 9, topics=[]) != CLOSED
    consumer = confluent_kafka.Consumer(
        clients.Confluent.settings(guarded.server.kafka, login)
        | {"sasl.mechanism": "SCRAM-SHA-256", "error_cb": errors.append, "topic.metadata.refresh.interval.ms": 1_000}
    )

    def tokens():
        consumer.poll(0.1)
        return guarded.counter("wellhead_kafka_requests_total", api="SaslAuthenticate", error="NONE")

    try:
        consumer.list_topics(timeout=20)
        # Two of each login, on at most two connections, and of their renewals.
        wait.until(lambda: tokens() >= 8, lambda: f"renewals; tokens: {tokens()}, errors: {errors}", 60)
    finally:
        consumer.close()
    assert not errors
    assert not any("not renewed" in line for line in guarded.log_lines())

    with silent:
        wait.until(lambda: silent.ask("Metadata", 9, topics=[]) == CLOSED, "the end of a login that is not renewed",
                   every_s=0.1)
    guarded.wait_for_line("not renewed")


# What one client may take of what all share.


def test_who_guesses_slows_down_nobody_but_itself(limited):
    guarded = limited("connections = 500")
    with contextlib.ExitStack() as ends:
        guesses = []
        for number in range(200):
            connection = ends.enter_context(guarded.connect(ELSEWHERE))
            connection.ask("SaslHandshake", 1, mechanism="PLAIN")
            token = f"\0{guarded.login.user}\0{WRONG_PASSWORD}{number}".encode()
            request = codec.request(guarded.catalogue, "SaslAuthenticate", 2, 7, None, {"auth_bytes": token})
            connection.socket.sendall(request)
            guesses.append(connection)
        with guarded.connect() as good:
            assert good.log_in(guarded.login) == NONE
        answers = [connection.exchange(b"") for connection in guesses]
    verdicts = [answer for answer in answers if answer != CLOSED]
    # So many are free, and some more come to their turn while they wait.
    assert 0 < len(verdicts) < 100, len(verdicts)
    guarded.wait_for_counter(200 - len(verdicts), REFUSED, limit="guesses")
    assert WRONG_PASSWORD not in "\n".join(guarded.log_lines())


def test_a_thousand_half_open_connections_shut_nobody_out(limited):
    guarded = limited("connections = 2000")
    with contextlib.ExitStack() as ends:
        half_open = [ends.enter_context(guarded.connect()) for _ in range(1_000)]
        for number, connection in enumerate(half_open):
            connection.socket.sendall(b"\x00" * (number % 4))
        with guarded.connect(ELSEWHERE) as good:
            assert good.log_in(guarded.login) == NONE
        with guarded.connect() as one_more:
            assert one_more.is_closed()
    guarded.wait_for_counter(1, REFUSED, limit="strangers")
    assert sum("too many kafka connections" in line for line in guarded.log_lines()) == 1


def test_an_address_and_a_group_have_numbers_of_connections(limited):
    guarded = limited("connections_per_address = 2, connections_per_group = 2")
    with guarded.connect() as one, guarded.connect() as two:
        assert [one.log_in(guarded.login), two.log_in(guarded.login)] == [NONE, NONE]
        with guarded.connect() as three:
            assert three.is_closed()
        with guarded.connect(ELSEWHERE) as other:
            assert other.log_in(guarded.login) == SASL_AUTHENTICATION_FAILED
            assert other.is_closed()
    guarded.wait_for_counter(1, REFUSED, limit="address")
    guarded.wait_for_counter(1, REFUSED, limit="group")
    assert guarded.counter(FAILED, mechanism="PLAIN") == 0, "the password was right"


# Bad input: the error that Kafka gives, counted, in one line of the log; closed where Kafka closes.


def frame(*parts):
    """Bytes with their length in front."""
    body = b"".join(parts)
    return struct.pack(">i", len(body)) + body


def header(api, version):
    """The oldest header there is."""
    return struct.pack(">hhih", api, version, 7, -1)


# Of each: its bytes, and a part of the line about it.
BREAKS = {
    "an unknown api": (frame(header(999, 0)), "999"),
    "a negative api": (frame(header(-1, 0)), "-1"),
    "an unknown version": (frame(header(3, 99), b"\x00"), "99"),
    "a truncated request": (frame(header(3, 1), b"\x00\x00\x00\x05\x00"), "end too early"),
    "a hostile length in a request": (frame(header(3, 1), b"\x7f\xff\xff\xff"), ""),
    "no header": (frame(b"\x00"), ""),
    "an oversized frame": (struct.pack(">i", (2 << 20) + 1), "announced"),
    "a negative frame": (struct.pack(">i", -5), "announced"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_bytes_that_are_no_request_close_the_connection(shared, what):
    data, told = BREAKS[what]
    before = shared.counter(BROKEN)
    with shared.connect() as connection:
        assert connection.log_in(shared.login) == NONE
        lines = len(shared.log_lines())
        assert connection.exchange(data) == CLOSED
        shared.wait_for_counter(before + 1, BROKEN)
    fresh = shared.wait_for_line("no request we serve", behind=lines)
    assert len(fresh) == 1 and told in fresh[0].lower(), fresh


STRANGERS_BREAK = {
    "a request before the login": frame(header(3, 1), b"\x00\x00\x00\x00"),
    "a frame of more than a few KB": struct.pack(">i", 4097),
    "a web browser": b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
    "a ticket of Kerberos": frame(b"\x60\x82\x01\x00" + b"x" * 256),
    "a token without a handshake": frame(header(36, 0), b"\x00\x00\x00\x03\x00a\x00"),
}


@pytest.mark.parametrize("what", STRANGERS_BREAK)
def test_strangers_that_do_not_log_in_are_closed(shared, what):
    before = shared.counter(BROKEN)
    with shared.connect() as connection:
        assert connection.exchange(STRANGERS_BREAK[what]) == CLOSED
    shared.wait_for_counter(before + 1, BROKEN)


MALFORMED_TOKENS = {
    "PLAIN": [b"", b"user", b"\0user", b"\0\0password", b"\0user\0", b"a\0b\0c\0d", b"other\0user\0password",
              b"\0us\xffer\0password", b"\0" + b"u" * 2000 + b"\0p"],
    "SCRAM-SHA-256": [b"", b"n,,", b"n,,n=,r=x", b"y,,n=user,r=x", b"n,a=other,n=user,r=x", b"p=tls-unique,,n=u,r=x",
                      b"\0user\0password", b"n,,n=us=er,r=x", b"n,,n=user,r=" + b"x" * 3000],
}


@pytest.mark.parametrize("mechanism", MALFORMED_TOKENS)
def test_malformed_tokens_are_refused_as_wrong_passwords_are(shared, mechanism):
    tokens = MALFORMED_TOKENS[mechanism]
    before = shared.counter(FAILED, mechanism=mechanism)
    with contextlib.ExitStack() as ends:
        asked = []
        for token in tokens:
            for version in (0, 1):
                connection = ends.enter_context(shared.connect())
                assert connection.ask("SaslHandshake", version, mechanism=mechanism)["error_code"] == NONE
                data = frame(token) if version == 0 else codec.request(
                    shared.catalogue, "SaslAuthenticate", 1, 7, None, {"auth_bytes": token})
                connection.socket.sendall(data)
                asked.append((token, version, connection))
        for token, version, connection in asked:
            answer = connection.exchange(b"")
            if version == 1:
                answer = codec.response(shared.catalogue, "SaslAuthenticate", 1, answer)[1]
                assert answer["error_code"] == SASL_AUTHENTICATION_FAILED, token
                assert connection.is_closed(), token
            else:
                assert answer == CLOSED, token
    shared.wait_for_counter(before + 2 * len(tokens), FAILED, mechanism=mechanism)


def test_a_mechanism_that_is_not_offered_is_refused_with_those_that_are(shared):
    for version in (0, 1):
        with shared.connect() as connection:
            answer = connection.ask("SaslHandshake", version, mechanism="GSSAPI")
            assert answer["error_code"] == UNSUPPORTED_SASL_MECHANISM
            assert sorted(answer["mechanisms"]) == MECHANISMS
            assert connection.is_closed()


def test_what_does_not_exist_is_told_and_closes_nothing(shared):
    login = shared.login
    with shared.connect() as connection:
        assert connection.log_in(login) == NONE
        answer = connection.exchange(frame(header(18, 99), b"\x00"))
        assert struct.unpack_from(">ih", answer) == (7, UNSUPPORTED_VERSION)

        def fetch(topic, partition, offset):
            parts = [{"partition": partition, "fetch_offset": offset, "partition_max_bytes": 1000}]
            answer = connection.ask("Fetch", 4, replica_id=-1, max_bytes=1000,
                                    topics=[{"topic": topic, "partitions": parts}])
            return answer["responses"][0]["partitions"][0]["error_code"]

        assert fetch(TASK, 0, 0) == NONE
        assert fetch("nosuch", 0, 0) == UNKNOWN_TOPIC_OR_PARTITION
        assert fetch("no/such topic", 0, 0) == UNKNOWN_TOPIC_OR_PARTITION
        assert fetch(TASK, 1, 0) == UNKNOWN_TOPIC_OR_PARTITION
        assert fetch(TASK, -1, 0) == UNKNOWN_TOPIC_OR_PARTITION
        assert fetch(TASK, 0, 1 << 40) == OFFSET_OUT_OF_RANGE
        assert fetch(TASK, 0, -1) == OFFSET_OUT_OF_RANGE
        beat = connection.ask("Heartbeat", 3, group_id=shared.foreign.group, member_id="x", generation_id=1)
        assert beat["error_code"] == INVALID_GROUP_ID
        # A batch with a wrong checksum: whatever is produced is refused before it is looked at.
        batch = b"\x00" * 8 + struct.pack(">i", 49) + b"\xff\xff\xff\xff\x02" + b"\x01" * 44
        produced = connection.ask("Produce", 3, acks=-1, timeout_ms=100, topic_data=[
            {"name": TASK, "partition_data": [{"index": 0, "records": batch}]}])
        error = produced["responses"][0]["partition_responses"][0]["error_code"]
        assert error in (TOPIC_AUTHORIZATION_FAILED, CORRUPT_MESSAGE), produced
        assert fetch(TASK, 0, 0) == NONE, "nothing of this has closed the connection"
    counted = shared.counter("wellhead_kafka_requests_total", api="Fetch", error="OFFSET_OUT_OF_RANGE")
    assert counted >= 2


# One group, one account: another task's names are names that do not exist.


class Names:
    """What the fields of a request are filled with."""

    def __init__(self, group, topic, topic_id):
        self.group, self.topic, self.topic_id = group, topic, topic_id


NO_ID = uuid.UUID(int=0)
# The session and the login are the connection's.
NOT_SWEPT = {"ApiVersions", "SaslHandshake", "SaslAuthenticate"}
# Who names its own group here enters it.
ENTERS = {"JoinGroup", "SyncGroup", "ConsumerGroupHeartbeat"}
OF_GROUPS = {"group_id", "group_ids", "groups", "groups_names", "key", "coordinator_keys"}
NUMBERS = {"replica_id": -1, "acks": -1, "resource_type": 2, "resource_type_filter": 2, "session_timeout_ms": 10_000,
           "rebalance_timeout_ms": 10_000, "max_bytes": 1000, "partition_max_bytes": 1000, "session_epoch": -1,
           "current_leader_epoch": -1, "leader_epoch": -1, "num_partitions": 1, "replication_factor": 1, "count": 2,
           "timeout_ms": 100}


# A topic has a name and an id, and some APIs take either and some both.
MIXTURES = (
    lambda own, one: one,
    lambda own, one: Names(one.group, own.topic, own.topic_id),
    lambda own, one: Names(own.group, one.topic, one.topic_id),
    lambda own, one: Names(own.group, one.topic, NO_ID),
    lambda own, one: Names(own.group, None, one.topic_id),
)


def filled(fields, version, names):
    """Every field of a request with a name in each place for one, and one element in each array."""
    return {field.name: fill(field, field.type, version, names) for field in fields if version in field.versions}


def fill(field, kind, version, names):
    if kind.startswith("[]"):
        return [fill(field, kind[2:], version, names)]
    if kind == "string" and field.name in OF_GROUPS:
        return names.group
    if kind == "string":
        return names.topic or (None if version in field.nullable else "")
    if kind == "uuid":
        return names.topic_id
    if kind in ("bytes", "records"):
        return b""
    if field.fields:
        return filled(field.fields, version, names)
    return NUMBERS.get(field.name, codec._default(field, version) if kind == field.type else 0)


def emptied(fields, version):
    """Every field of a request asking for all there is: arrays null where they may be, else empty."""
    def empty(field):
        if field.type.startswith("[]"):
            return None if version in field.nullable else []
        return NUMBERS.get(field.name, codec._default(field, version))

    return {field.name: empty(field) for field in fields if version in field.versions}


class Attacker:
    """Someone who has an account of one task and wants to know of another."""

    def __init__(self, guarded):
        self.guarded, self.connection = guarded, None
        self.reconnect()
        spoken = self.connection.ask("ApiVersions", 3, client_software_name="x", client_software_version="1")
        keys = guarded.catalogue.names
        self.spoken = {keys[one["api_key"]]: range(one["min_version"], one["max_version"] + 1)
                       for one in spoken["api_keys"]}

    def reconnect(self):
        """Logs in anew."""
        if self.connection:
            self.connection.socket.close()
        self.connection = self.guarded.connect()
        assert self.connection.log_in(self.guarded.login) == NONE

    def ask(self, api, version, fields):
        """The bytes of the answer."""
        answer = self.connection.exchange(codec.request(self.guarded.catalogue, api, version, 7, "attacker", fields))
        if answer == CLOSED:
            self.reconnect()
        return answer


def topic_id(guarded, login, topic):
    """What a topic is called by newer clients."""
    with guarded.connect() as connection:
        assert connection.log_in(login) == NONE
        answer = connection.ask("Metadata", 12, topics=[{"name": topic}])
        return answer["topics"][0]["topic_id"]


def test_another_task_is_for_every_api_one_that_does_not_exist(shared):
    attacker = Attacker(shared)
    own = Names(shared.login.group, TASK, topic_id(shared, shared.login, TASK))
    theirs = Names(shared.foreign.group, FOREIGN, topic_id(shared, shared.foreign, FOREIGN))
    absent = Names("dts" + "z" * (len(theirs.group) - 3), "nosuch"[: len(FOREIGN)], uuid.UUID(bytes=b"z" * 16))
    assert theirs.topic_id not in (own.topic_id, NO_ID)
    swaps = [(getattr(theirs, part), getattr(absent, part)) for part in ("group", "topic", "topic_id")]
    compared = 0

    def compare(api, version, requests):
        """The answers about another's and about what is not there. A heartbeat record between the two changes
        what is told of one's own topic; what is told of another's stays different, however often it is asked."""
        for _ in range(5):
            answers = [attacker.ask(api, version, fields) for fields in requests]
            told = [answer if answer == CLOSED else swapped(answer, swaps) for answer in answers]
            if told[0] == told[1]:
                break
        return told

    for api, versions in attacker.spoken.items():
        if api in NOT_SWEPT:
            continue
        for version in versions:
            fields = shared.catalogue.request(api, version).fields
            for mixed in MIXTURES:
                if api in ENTERS and mixed(own, theirs).group == own.group:
                    continue
                told = compare(api, version, [filled(fields, version, mixed(own, one)) for one in (theirs, absent)])
                assert told[0] == told[1], f"{api} v{version} tells what is another's"
                compared += told[0] != CLOSED
            everything = attacker.ask(api, version, emptied(fields, version))
            if everything != CLOSED:
                secrets = (theirs.group, theirs.topic, theirs.topic_id, shared.foreign.user)
                assert not any(raw(secret) in everything for secret in secrets), f"{api} v{version}"
    assert compared > 500, f"only {compared} answers were compared"


def raw(name):
    """A name as it stands in an answer."""
    return name.bytes if isinstance(name, uuid.UUID) else name.encode()


def swapped(answer, swaps):
    """An answer with the names of one for those of another."""
    for found, instead in swaps:
        answer = answer.replace(raw(found), raw(instead))
    return answer


def test_the_accounts_of_a_deleted_task_see_nothing_of_the_next_one_of_its_name(limited, source):
    guarded = limited("connections = 100")
    with guarded.connect() as one, guarded.connect() as idle:
        assert [one.log_in(guarded.login), idle.log_in(guarded.login)] == [NONE, NONE]
        assert one.ask("Metadata", 9, topics=None) != CLOSED
        guarded.server.api("DELETE", f"/tasks/{TASK}", expect=204)
        assert one.ask("Metadata", 9, topics=None) == CLOSED
        guarded.server.track(TASK, source, "nothing")
        assert idle.ask("Metadata", 9, topics=None) == CLOSED
    with guarded.connect() as again:
        assert again.log_in(guarded.login) == SASL_AUTHENTICATION_FAILED


def test_a_fetch_session_serves_nobody_else(shared):
    def fetch(connection, session, epoch, topics):
        return connection.ask("Fetch", 7, replica_id=-1, max_bytes=1000, session_id=session, session_epoch=epoch,
                              topics=topics)

    wanted = [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1000}]
    with shared.connect() as victim, shared.connect() as attacker:
        assert (victim.log_in(shared.foreign), attacker.log_in(shared.login)) == (NONE, NONE)
        begun = fetch(victim, 0, 0, [{"topic": FOREIGN, "partitions": wanted}])
        assert begun["error_code"] == NONE and begun["responses"], begun
        session = begun["session_id"]
        stolen = fetch(attacker, session or 12345, 1, [])
        invented = fetch(attacker, (session or 12345) ^ 0x55, 1, [])
        assert stolen == invented and stolen["error_code"] != NONE and not stolen["responses"], stolen
        if session:
            assert fetch(victim, session, 1, [])["error_code"] == NONE, "the attacker has taken it away"
