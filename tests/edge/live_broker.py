"""A real mosquitto of a test's own, somebody who publishes there, and certificates."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from live_edge import WAIT_S, eventually

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@dataclass
class Broker:
    """A mosquitto of the test's own."""

    port: int
    directory: Path
    lines: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None, "mosquitto is not installed"
        file = self.directory / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", *self.lines]
        if os.geteuid() == 0:
            lines.append("user root")
        file.write_text("\n".join(lines) + "\n")
        with (self.directory / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [MOSQUITTO, "-c", str(file)], stdout=subprocess.DEVNULL, stderr=log
            )
        assert eventually(self._listens), (self.directory / "mosquitto.log").read_text()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(WAIT_S)
            self.process = None

    def say(
        self,
        topic: str,
        payload: str | bytes,
        qos: int = 1,
        *,
        retain: bool = False,
        more: Sequence[str] = (),
    ) -> None:
        """Published by somebody else of the site, with Debian's client."""
        command = ["mosquitto_pub", "-h", "localhost", "-p", str(self.port), "-t", topic]
        command += ["-q", str(qos), "-s", *(["-r"] if retain else []), *more]
        data = payload.encode() if isinstance(payload, str) else payload
        subprocess.run(command, input=data, check=True, timeout=WAIT_S)


@contextmanager
def broker(directory: Path, *lines: str) -> Iterator[Broker]:
    """mosquitto on a free port, ended at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = Broker(port, directory, lines)
    found.start()
    try:
        yield found
    finally:
        found.stop()


def certificate(directory: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key: the files."""
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(whose, whose, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = directory / f"{name}.pem", directory / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file
