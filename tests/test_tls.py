"""TLS on the doors for Kafka clients and on the API: versions, replaced certificates, certificates as logins."""

import contextlib
import http.client
import json
import random
import signal
import socket
import ssl
import subprocess

import confluent_kafka
import kafka
import pytest

from harness import certificates, clients, database, paths, ports, record, wait, wellhead

ROWS = 300
ROW_BYTES = 20_000


class Secured:
    """A Wellhead with doors of every kind, one task, and rows of six megabytes in all."""

    topic = "secured"

    def __init__(self, source, folder):
        self.authority = certificates.Authority(folder / "authority")
        self.other = certificates.Authority(folder / "other", "others")
        # Of the same name, because librdkafka shows nothing that a server's list of names does not ask for.
        self.forger = certificates.Authority(folder / "forger")
        self.authority.sign("first", "door")
        self.plain_port, self.proof_port, self.both_port = (ports.free_port() for _ in range(3))
        self.config = self.doors()
        self.server = wellhead.Wellhead.serve(folder / "server", self.config)
        # The harness asks over plain HTTP; the API's own TLS has a test of its own.
        self.server.start()
        self.server.track_now(self.topic, source, self.topic)
        self.login = self.server.new_login(self.topic)
        dice = random.Random(7)
        with source.connect(self.topic) as connection, connection.cursor() as cursor:
            for number in range(ROWS):
                cursor.execute("INSERT INTO t VALUES (%s, %s)", (number, dice.randbytes(ROW_BYTES)))
            connection.commit()
        follower = clients.Follower(f"127.0.0.1:{self.plain_port}", self.topic, self.login)
        follower.wait_for_rows(ROWS)
        follower.close()

    def doors(self):
        """`[kafka]` asks for a login under TLS, `proof` for a certificate, `both` for both."""
        door = self.authority.folder / "door"
        tls = f'cert_file = "{door}.crt", key_file = "{door}.key"'
        asking = f'tls = {{ {tls}, client_ca_file = "{self.authority.file}" }}'
        listen = "listen = \"127.0.0.1:{}\""
        return (
            f'[kafka.tls]\n{tls.replace(", ", chr(10))}\n'
            f'[[kafka.listener]]\nname = "plain"\n{listen.format(self.plain_port)}\ntls.cert_file = ""\n'
            f'[[kafka.listener]]\nname = "proof"\n{listen.format(self.proof_port)}\nsasl = []\n{asking}\n'
            f'[[kafka.listener]]\nname = "both"\n{listen.format(self.both_port)}\n{asking}\n'
        )

    @property
    def broker(self):
        """The door under TLS, by the name that its certificate has."""
        return f"localhost:{self.server.kafka_port}"

    def settings(self, broker=None, certificate=None, login=None):
        """librdkafka's, for one of the doors."""
        settings = clients.Confluent.settings(broker or self.broker, login or self.login)
        if login is NOBODY:
            for key in ("sasl.mechanism", "sasl.username", "sasl.password"):
                settings.pop(key, None)
            settings["security.protocol"] = "SSL"
        else:
            settings["security.protocol"] = "SASL_SSL"
        settings["ssl.ca.location"] = str(self.authority.file)
        if certificate:
            settings["ssl.certificate.location"], settings["ssl.key.location"] = map(str, certificate)
        return settings

    def log(self):
        """What it has printed so far, line by line."""
        return [json.loads(line) for line in self.server.log.read_text().splitlines() if line.startswith("{")]

    def wait_for_line(self, text, since=0):
        """Waits for a line of its log that holds this, behind so many."""
        def found():
            return next((line for line in self.log()[since:] if text in json.dumps(line)), None)
        return wait.until(found, lambda: f"{text!r} in\n{self.server.log_tail()}", 30)


NOBODY = clients.Login()


@pytest.fixture(scope="module")
def secured(templates, session_folder):
    """One for all tests here: TLS does not care which server is tapped."""
    source = database.EVERY_KIND["mariadb"](session_folder / "tls-source", template=templates["mariadb"]).start()
    source.create_user()
    source.sql(f"CREATE DATABASE {Secured.topic}", f"CREATE TABLE {Secured.topic}.t (id INT PRIMARY KEY, v LONGBLOB)")
    served = Secured(source, session_folder / "tls")
    yield served
    served.server.kill()
    source.stop()


def read(settings, topic, count, deadline_s=60):
    """The first records as a client with these settings reads them."""
    consumer = confluent_kafka.Consumer(settings)
    taken = []
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])

        def enough():
            for message in consumer.consume(count - len(taken), 0.5):
                assert not message.error(), message.error()
                taken.append((message.offset(), message.value()))
            return len(taken) >= count

        wait.until(enough, lambda: f"{count} records, {len(taken)} came", deadline_s)
    finally:
        consumer.close()
    return taken


def end(served):
    """The offset behind the last row; heartbeats come behind it."""
    taken = clients.read_all(f"127.0.0.1:{served.plain_port}", served.topic, served.login)
    return max(offset for offset, entry in taken if record.is_row(entry)) + 1


def refused(settings):
    """What librdkafka says of a door that does not let it in."""
    told = []
    consumer = confluent_kafka.Consumer(settings | {"error_cb": lambda error: told.append(error.str())})
    try:
        wait.until(lambda: consumer.poll(0.2) is None and told, "librdkafka to say why", 30)
    finally:
        consumer.close()
    return " ".join(told)


@pytest.fixture(scope="module")
def expected(secured):
    """Every record, as the door in clear serves it."""
    plain = clients.Confluent.settings(f"127.0.0.1:{secured.plain_port}", secured.login)
    return read(plain, secured.topic, end(secured))


def test_j09_records_are_the_same_under_tls(secured, expected):
    assert read(secured.settings(), secured.topic, len(expected)) == expected


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_j09_records_are_the_same_under_each_version_of_tls(secured, expected, version):
    context = ssl.create_default_context(cafile=secured.authority.file)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
    settings = clients.KafkaPython.settings(secured.broker, secured.login)
    consumer = kafka.KafkaConsumer(**settings | {"security_protocol": "SASL_SSL", "ssl_context": context})
    consumer.assign([kafka.TopicPartition(secured.topic, 0)])
    consumer.seek_to_beginning()
    taken = []

    def enough():
        polled = consumer.poll(timeout_ms=500)
        taken.extend((one.offset, one.value) for batch in polled.values() for one in batch)
        return len(taken) >= len(expected)

    try:
        wait.until(enough, lambda: f"{len(expected)} records, {len(taken)} came", 60)
    finally:
        consumer.close(autocommit=False)
    assert taken[: len(expected)] == expected
    with greeted(secured, context) as client:
        assert client.version() == version


def test_older_versions_of_tls_are_refused(secured):
    context = ssl.create_default_context(cafile=secured.authority.file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), greeted(secured, context):
        pass


def test_j09_the_java_client_reads_under_tls(secured, expected):
    console = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{paths.JARS / 'kafka-clients-4'}/*",
         str(paths.TESTS / "java" / "Secured.java"), secured.broker, secured.topic, str(len(expected)),
         str(secured.authority.file), secured.login.user, secured.login.password],
        capture_output=True, text=True, timeout=120,
    )
    assert console.returncode == 0, console.stderr
    assert [int(line) for line in console.stdout.split()] == [offset for offset, _ in expected]


@contextlib.contextmanager
def greeted(served, context, name="localhost"):
    """A bare connection to the door under TLS, its handshake done."""
    with socket.create_connection(("127.0.0.1", served.server.kafka_port), 10) as bare:
        with context.wrap_socket(bare, server_hostname=name) as client:
            yield client


def test_a_replaced_certificate_is_shown_to_new_connections_and_old_ones_go_on(secured, expected):
    context = ssl.create_default_context(cafile=secured.authority.file)

    def shown():
        with greeted(secured, context) as client:
            subject = dict(pair[0] for pair in client.getpeercert()["subject"])
            return subject["commonName"]

    since = len(secured.log())
    consumer = confluent_kafka.Consumer(secured.settings())
    consumer.assign([confluent_kafka.TopicPartition(secured.topic, 0, 0)])
    [first] = consumer.consume(1, 30)
    with greeted(secured, context) as old:
        # Who has not logged in is not waited for as long as this may take.
        log_in(old, secured.login)
        before = old.getpeercert()["serialNumber"]
        # When the files change.
        secured.authority.sign("second", "door")
        wait.until(lambda: shown() == "second", "the new certificate", 30)
        # By a signal.
        secured.authority.sign("third", "door")
        secured.server.process.send_signal(signal.SIGHUP)
        wait.until(lambda: shown() == "third", "the third certificate", 30)
        # By the command line.
        secured.authority.sign("fourth", "door")
        done = wellhead.run("config", "reload", "--data-dir", secured.server.data)
        assert done.returncode == 0, done.stderr
        assert shown() == "fourth"
        # The connection of before answers still: ApiVersions v0.
        old.sendall(bytes.fromhex("0000000a" "00120000" "00000007" "ffff"))
        assert old.recv(8)[4:8] == bytes.fromhex("00000007")
        assert old.getpeercert()["serialNumber"] == before
    rest = []
    wait.until(lambda: rest.extend(consumer.consume(1000, 0.5)) or len(rest) >= len(expected) - 1, "the rest", 60)
    consumer.close()
    assert [(m.offset(), m.value()) for m in [first, *rest]][: len(expected)] == expected
    assert not [line for line in secured.log()[since:] if line["level"] in ("ERROR",)]
    status, server = secured.server.api("GET", "/server")
    assert status == 200 and server["last_reload"]["success"]
    assert server["listeners"][0]["certificate"]["common_name"] == "fourth"


def test_certificates_that_cannot_be_used_change_nothing(secured):
    since = len(secured.log())
    door = secured.authority.folder / "door"
    good = door.with_suffix(".crt").read_text(), door.with_suffix(".key").read_text()
    door.with_suffix(".key").write_text("no key\n")
    secured.wait_for_line("changed certificate not usable", since)
    done = wellhead.run("config", "reload", "--data-dir", secured.server.data)
    assert done.returncode == 2 and "kafka.tls" in done.stderr, done.stderr
    assert "holds no private key" in done.stderr
    token = (secured.server.data / "admin.token").read_text().strip()
    metrics = get(http.client.HTTPConnection("127.0.0.1", secured.server.http_port), "/metrics", token)[1]
    assert "wellhead_config_last_reload_success 0" in metrics
    assert len(read(secured.settings(), secured.topic, 1)) == 1
    for end_, text in zip((".crt", ".key"), good):
        door.with_suffix(end_).write_text(text)
    assert wellhead.run("config", "reload", "--data-dir", secured.server.data).returncode == 0
    # What needs a restart is named, and not used.
    secured.server.reconfigure(secured.config + '[storage]\ncompression = "none"\n')
    done = wellhead.run("config", "reload", "--data-dir", secured.server.data)
    assert "used only after a restart: storage.compression" in done.stdout, done.stdout + done.stderr
    secured.server.reconfigure(secured.config + "[kafka]\nlistn = 1\n")
    done = wellhead.run("config", "reload", "--data-dir", secured.server.data)
    assert done.returncode == 2 and "wellhead.toml:" in done.stderr, done.stderr
    secured.server.reconfigure(secured.config)
    assert wellhead.run("config", "reload", "--data-dir", secured.server.data).returncode == 0


def test_a_certificate_is_the_login_of_its_group(secured, expected):
    own = secured.authority.sign(secured.login.user, "own")
    proof = secured.settings(f"localhost:{secured.proof_port}", own, NOBODY)
    group = {"group.id": secured.login.group}
    assert read(proof | group, secured.topic, len(expected)) == expected
    consumer = confluent_kafka.Consumer(proof | group)
    consumer.subscribe([secured.topic])
    wait.until(lambda: consumer.consume(1, 0.5), "a record by subscription", 60)
    consumer.close()


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("nobody", "kafka client refused during its TLS handshake"),
        ("a stranger", "its certificate names no group"),
        ("another authority", "the client's certificate is refused"),
    ],
)
def test_who_has_no_certificate_of_a_group_is_not_let_in(secured, who, told):
    since = len(secured.log())
    certificate = {
        "nobody": lambda: None,
        "a stranger": lambda: secured.authority.sign("billing-dtsnosuchgroup000", "stranger"),
        "another authority": lambda: secured.forger.sign(secured.login.user, "forged"),
    }[who]()
    refused(secured.settings(f"localhost:{secured.proof_port}", certificate, NOBODY))
    secured.wait_for_line(told, since)


def test_where_a_login_is_asked_for_a_certificate_is_a_second_lock(secured, expected):
    broker = f"localhost:{secured.both_port}"
    own = secured.authority.sign("some-machine", "machine")
    assert read(secured.settings(broker, own), secured.topic, 3) == expected[:3]
    since = len(secured.log())
    refused(secured.settings(broker))
    secured.wait_for_line("the client shows no certificate", since)
    wrong = clients.Login(secured.login.group, secured.login.user, "Wrong_123")
    assert "uthentication" in refused(secured.settings(broker, own, wrong))


def test_plaintext_and_tls_at_the_wrong_door_end_with_a_word_in_the_log(secured):
    since = len(secured.log())
    plain = clients.Confluent.settings(secured.broker, secured.login)
    assert refused(plain)
    secured.wait_for_line("speaks plaintext", since)
    with socket.create_connection(("127.0.0.1", secured.server.kafka_port), 10) as bare:
        bare.sendall(bytes.fromhex("0000000a" "00120000" "00000007" "ffff"))
        assert bare.recv(100) == b"", "an alert would be taken for the length of an answer"
    since = len(secured.log())
    tls = secured.settings(f"localhost:{secured.plain_port}")
    assert "SSL handshake failed" in refused(tls)
    secured.wait_for_line("begins a TLS handshake, and this listener speaks plaintext", since)
    since = len(secured.log())
    refused(secured.settings() | {"ssl.ca.location": str(secured.other.file)})
    secured.wait_for_line("does not trust the listener's certificate", since)


def test_who_begins_a_handshake_and_says_no_more_holds_up_nobody(secured, expected):
    with contextlib.ExitStack() as ends:
        for number in range(200):
            half = ends.enter_context(socket.create_connection(("127.0.0.1", secured.server.kafka_port), 10))
            half.sendall(bytes.fromhex("1603010200")[: number % 6])
        assert read(secured.settings(), secured.topic, 5) == expected[:5]


def test_a_client_that_takes_nothing_holds_a_bounded_part_of_its_answer(secured, expected):
    before = secured.server.memory_peak_mib()
    context = ssl.create_default_context(cafile=secured.authority.file)
    with contextlib.ExitStack() as ends:
        readers = []
        for _ in range(20):
            client = ends.enter_context(greeted(secured, context))
            log_in(client, secured.login)
            client.sendall(fetch_all(secured.topic))
            readers.append(client)
        for client in readers:
            # It has begun to come, and the rest waits in its file: 6 MB for each of them.
            assert len(client.recv(4)) == 4
        assert read(secured.settings(), secured.topic, len(expected)) == expected
        grown = secured.server.memory_peak_mib() - before
        assert grown < 60, f"{grown:.0f} MiB more for 20 readers of 6 MB that take nothing"


def log_in(client, login):
    """SaslHandshake v1 and SaslAuthenticate v0 with PLAIN."""
    token = f"\0{login.user}\0{login.password}".encode()
    call(client, 17, 1, b"\0\5PLAIN")
    answer = call(client, 36, 0, len(token).to_bytes(4, "big") + token)
    assert answer[4:6] == b"\0\0", answer


def call(client, api, version, body):
    """One request, and its answer from the correlation id on."""
    client.sendall(frame(api, version, body))
    size = int.from_bytes(exactly(client, 4), "big")
    return exactly(client, size)


def frame(api, version, body):
    payload = api.to_bytes(2, "big") + version.to_bytes(2, "big") + (7).to_bytes(4, "big") + b"\xff\xff" + body
    return len(payload).to_bytes(4, "big") + payload


def exactly(client, size):
    taken = b""
    while len(taken) < size:
        part = client.recv(size - len(taken))
        assert part, "the connection ended"
        taken += part
    return taken


def fetch_all(topic):
    """Fetch v4 of 30 MB from offset 0."""
    most = (30 << 20).to_bytes(4, "big")
    partition = (0).to_bytes(4, "big") + (0).to_bytes(8, "big") + most
    topics = (1).to_bytes(4, "big") + len(topic).to_bytes(2, "big") + topic.encode() + (1).to_bytes(4, "big") + partition
    return frame(1, 4, b"\xff\xff\xff\xff" + (500).to_bytes(4, "big") + (1).to_bytes(4, "big") + most + b"\0" + topics)


def get(connection, path, token):
    """Status and text of a GET of the API."""
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_the_api_speaks_https(new_wellhead, scratch):
    authority = certificates.Authority(scratch / "authority")
    certificate, key = authority.sign("api")
    server = new_wellhead.serve()
    server.arguments = ["serve", "-c", str(server.folder / "wellhead.toml")]
    config = server.folder / "wellhead.toml"
    config.write_text(config.read_text() + f'tls = {{ cert_file = "{certificate}", key_file = "{key}" }}\n')
    server.spawn()
    context = ssl.create_default_context(cafile=authority.file)

    def ask(path, token="none"):
        connection = http.client.HTTPSConnection("localhost", server.http_port, timeout=10, context=context)
        with contextlib.closing(connection):
            return get(connection, path, token)

    def ready():
        assert server.alive(), server.log_tail()
        with contextlib.suppress(OSError):
            return ask("/readyz")[0] == 200

    wait.until(ready, lambda: f"/readyz over https; its log ends:\n{server.log_tail()}", 30)
    token = (server.data / "admin.token").read_text().strip()
    assert ask("/api/v1/server")[0] == 401
    status, text = ask("/api/v1/server", token)
    assert status == 200 and json.loads(text)["http_certificate"]["common_name"] == "api"
    plain = http.client.HTTPConnection("localhost", server.http_port, timeout=10)
    status, text = get(plain, "/readyz", token)
    assert status == 400 and "https://" in text
    token_file = ["--token-file", server.data / "admin.token", "--url", f"https://localhost:{server.http_port}"]
    done = wellhead.run("task", "list", *token_file, "--url-ca", authority.file)
    assert done.returncode == 0, done.stderr
    done = wellhead.run("task", "list", *token_file)
    assert done.returncode == 3 and "certificate" in done.stderr, done.stderr
    # Many that begin a handshake and stop take places for a while, and hold up nobody else.
    with contextlib.ExitStack() as ends:
        for _ in range(50):
            half = ends.enter_context(socket.create_connection(("127.0.0.1", server.http_port), 10))
            half.sendall(b"\x16\x03\x01")
        assert ask("/readyz")[0] == 200
