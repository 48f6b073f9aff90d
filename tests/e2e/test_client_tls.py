"""The clients over TLS: certificates are checked, and limits and hanging up work the same."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.asking import KINDS, TEXT, WHOLE, ask, config
from tests.kit.server import HOLD, Server, sse_reply

import zen_native as zen

pytestmark = [
    pytest.mark.parametrize("kind", KINDS),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with"),
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-days", "2", "-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1"]
    key, cert = path.with_suffix(".key"), path.with_suffix(".crt")
    subprocess.run([*make, *subject, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    path.write_bytes(key.read_bytes() + cert.read_bytes())
    return path


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(sse_reply(*WHOLE), tls=context) as running:
        yield running


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))


@pytest.mark.usefixtures("trusted")
def test_an_answer_comes(kind: str, server: Server) -> None:
    assert ask(kind, config(server)).text == "Hello"


@pytest.mark.usefixtures("trusted")
def test_a_stall_ends(kind: str, server: Server) -> None:
    server.plays(sse_reply(TEXT[0], HOLD))
    heard = ask(kind, config(server), timeouts=zen.Timeouts(idle=0.1))
    assert isinstance(heard.error, zen.StreamTimeoutError)
    assert (heard.text, heard.error.phase) == ("Hel", "idle")
    assert server.hung_up.wait(0.25)


def test_a_stranger_gets_no_request(kind: str, server: Server) -> None:
    heard = ask(kind, config(server), retry=zen.RetryPolicy(attempts=1))
    assert isinstance(heard.error, zen.ConnectError)
    assert "CERTIFICATE_VERIFY_FAILED" in heard.error.message
    assert server.requests == []
