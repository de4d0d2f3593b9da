"""Servers with certificates of an authority of our own and with a binlog that is encrypted on disk."""

import json
import subprocess

from . import database, paths


class Authority:
    """A certificate authority, and one server certificate that it signed for 127.0.0.1 alone."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.ca, self.other_ca = self._authority("ca"), self._authority("other-ca")
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        request = folder / "server.csr"
        names = folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1\n")
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tests",
                      "-keyout", self.key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", folder / "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", names, "-out", self.certificate)

    def options(self):
        """What a server of either family is started with."""
        return {"ssl-ca": self.ca, "ssl-cert": self.certificate, "ssl-key": self.key}

    def _authority(self, name):
        certificate = self.folder / f"{name}.pem"
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                      "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.folder / f"{name}.key",
                      "-out", certificate)
        return certificate

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class GuardedMariaDb(database.MariaDb):
    """MariaDB with `encrypt_binlog`, its key in a file."""

    def own_options(self):
        return {
            **super().own_options(),
            "plugin-load-add": "file_key_management",
            "file-key-management-filename": str(self.folder / "keys"),
            "encrypt-binlog": "ON",
        }

    def start(self):
        (self.folder / "keys").write_text("1;" + "0123456789abcdef" * 2 + "\n")
        return super().start()


class GuardedMySql(database.MySql):
    """MySQL with `binlog_encryption`, its key in a keyring file.

    MySQL looks for the keyring's settings beside its own program and its plugins, so it gets folders of links.
    """

    def own_options(self):
        return {**super().own_options(), "plugin-dir": str(self.folder / "plugins"), "binlog-encryption": "ON"}

    def start(self):
        plugins, programs = self.folder / "plugins", self.folder / "sbin"
        if not plugins.exists():
            plugins.mkdir()
            programs.mkdir()
            for plugin in (paths.MYSQL_ROOT / "usr/lib/mysql/plugin").glob("*.so"):
                (plugins / plugin.name).symlink_to(plugin)
            keyring = json.dumps({"path": str(self.folder / "keyring"), "read_only": False})
            (plugins / "component_keyring_file.cnf").write_text(keyring)
            (programs / "mysqld").symlink_to(paths.MYSQL_ROOT / "usr/sbin/mysqld")
            (programs / "mysqld.my").write_text('{"components": "file://component_keyring_file"}')
        return super().start()

    def program(self):
        server = str(paths.MYSQL_ROOT / "usr/sbin/mysqld")
        return [str(self.folder / "sbin/mysqld") if part == server else part for part in super().program()]


KINDS = {"mariadb": GuardedMariaDb, "mysql": GuardedMySql}
