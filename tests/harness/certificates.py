"""Certificates for the listeners and clients of the tests, by an authority of their own."""

import subprocess


class Authority:
    """An authority in a folder; what it signs lies beside it."""

    def __init__(self, folder, name="tests"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "ca.pem"
        self.key = folder / "ca.key"
        _openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/O=wellhead/CN={name}",
                 "-keyout", self.key, "-out", self.file)

    def sign(self, name, file=None):
        """A certificate of this common name, good for loopback; answers its file and its key's."""
        stem = self.folder / (file or name)
        request, certificate, key = (stem.with_suffix(end) for end in (".csr", ".crt", ".key"))
        extension = stem.with_suffix(".ext")
        extension.write_text("subjectAltName=DNS:localhost,DNS:wh.test,IP:127.0.0.1\n")
        _openssl("req", "-new", *NEW_KEY, "-subj", f"/O=wellhead/CN={name}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial",
                 "-days", "2", "-extfile", extension, "-out", certificate)
        return certificate, key


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
