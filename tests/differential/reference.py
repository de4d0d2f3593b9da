"""Apache Kafka's own broker: one node, its own defaults but for what a single node and a short test need."""

import base64
import subprocess
import uuid

from harness import paths, ports, wait

OPTIONS = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
           "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


class Broker:
    """A broker and controller in one process with a door for anyone and one for those who log in."""

    host = "127.0.0.1"

    def __init__(self, folder, jars, users):
        self.folder = folder
        self.class_path = f"{paths.JARS / jars}/*"
        self.port, self.sasl_port, self.controller_port = (ports.free_port() for _ in range(3))
        self.users = users
        self.log = folder / "broker.log"
        self.process = None

    def format(self):
        """Lays out the storage."""
        self.folder.mkdir(parents=True)
        self.settings = self.folder / "server.properties"
        self.settings.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        done = subprocess.run(
            ["java", *OPTIONS, "-cp", self.class_path, "kafka.tools.StorageTool", "format", "--standalone",
             f"--cluster-id={cluster}", "-c", str(self.settings), *self._scram()],
            capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}"

    def restart(self):
        """Ends and starts it; who leads a partition then is another leader to clients."""
        self.stop()
        return self.start()

    def start(self):
        """Starts the process, and waits until both of its doors are open."""
        with open(self.log, "ab") as log:
            # Killed with us, however we end.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "java", *OPTIONS, "-cp", self.class_path, "kafka.Kafka",
                 str(self.settings)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        wait.until(self._listens, lambda: f"Kafka to listen; its log ends:\n{self.log_tail()}", 180)
        return self

    def stop(self):
        """Ends it at once."""
        if self.process:
            self.process.kill()
            self.process.wait(30)

    def log_tail(self):
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-3000:]

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Kafka ended with {self.process.returncode}:\n{self.log_tail()}")
        return ports.accepts(self.port) and ports.accepts(self.sasl_port)

    def _settings(self):
        known = " ".join(f'user_{name}="{password}"' for name, password in self.users.items())
        plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {known};"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.host}:{self.port},SASL://{self.host}:{self.sasl_port},"
                         f"CONTROLLER://{self.host}:{self.controller_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"{self.host}:{self.controller_port}",
            "log.dirs": self.folder / "log",
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": plain,
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
            # The door without a login is for whoever sets the stage; who logs in has only what a grant names.
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def _scram(self):
        return [word for name, password in self.users.items() for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for word in ("--add-scram", f"{mechanism}=[name={name},password={password}]")]
