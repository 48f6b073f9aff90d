"""Contexts of TLS: one for a process and configuration, and clear words where a file is not usable."""

from __future__ import annotations

import os
import signal
import ssl
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.kit.authority import Authority

import zen_native as zen
from zen_native.transport import tls
from zen_native.transport.connections import ConnectionLimits
from zen_native.transport.tls import checked_tls, context_of, is_at_hand


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def test_a_context_is_made_once(authority: Authority) -> None:
    assert context_of() is context_of()
    assert context_of(zen.Tls(ca_file=authority.file)) is context_of(zen.Tls(ca_file=authority.file))
    assert context_of(zen.Tls(ca_file=authority.file)) is not context_of()


def test_a_context_for_servers_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="one for servers"):
        zen.Client(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_no_thread_is_needed_for_a_context_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.create_default_context()
    assert is_at_hand(checked_tls(context))
    assert is_at_hand(checked_tls(zen.Tls()))
    monkeypatch.setattr(tls, "_CONTEXTS", {})
    assert not is_at_hand(checked_tls(None))
    context_of()
    assert is_at_hand(checked_tls(None))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_that_was_forked_meanwhile_makes_its_own(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    parent, making, over, made = os.getpid(), threading.Event(), threading.Event(), tls._made

    def slowly(config: zen.Tls) -> ssl.SSLContext:
        if os.getpid() == parent:
            making.set()
            over.wait(20)
        return made(config)

    monkeypatch.setattr(tls, "_made", slowly)
    monkeypatch.setattr(tls, "_CONTEXTS", {})
    config = zen.Tls(ca_file=authority.file)
    thread = threading.Thread(target=tls.context_of, args=[config])
    thread.start()
    assert making.wait(20)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(5)
        tls.context_of(config)
        os._exit(7)
    _, status = os.waitpid(child, 0)
    over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    first, file = Authority(tmp_path), tmp_path / "trusted.pem"
    file.write_bytes(first.file.read_bytes())
    before = context_of(zen.Tls(ca_file=file))
    (tmp_path / "other").mkdir()
    file.write_bytes(file.read_bytes() + Authority(tmp_path / "other").file.read_bytes())
    after = context_of(zen.Tls(ca_file=file))
    assert (len(before.get_ca_certs()), len(after.get_ca_certs())) == (1, 2)


def test_the_environment_is_part_of_the_configuration(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    before = context_of()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert context_of() is not before


def test_certificates_are_checked_and_http_1_is_what_we_speak(authority: Authority) -> None:
    context = context_of(zen.Tls(ca_file=authority.file))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_context_of_the_callers_stays_as_it_is() -> None:
    own = ssl.create_default_context()
    assert checked_tls(own)() is own


def test_a_system_without_authorities_takes_those_of_certifi(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(capath=None))
    monkeypatch.setitem(sys.modules, "certifi", SimpleNamespace(where=lambda: str(authority.file)))
    assert len(context_of().get_ca_certs()) == 1
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setitem(sys.modules, "certifi", None)
    assert context_of().get_ca_certs() == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ca_file": "missing.pem"}, "'missing.pem' cannot be read: No such file"),
        ({"ca_file": "empty.pem"}, "'empty.pem' holds no certificates of authorities"),
        ({"certificate": "empty.pem"}, "'empty.pem' is not usable as a certificate with its key"),
        ({"certificate": "locked.pem", "password": "no"}, "'locked.pem' is not usable"),
        ({"certificate": "locked.pem"}, "'locked.pem' is not usable"),
    ],
    ids=str,
)
@pytest.mark.parametrize("client", [zen.Client, zen.AsyncClient])
def test_a_file_that_is_not_usable_is_told_when_the_client_is_made(
    client: Any, fields: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.pem").touch()
    Authority(tmp_path).locked(Path("locked.pem"), b"yes")
    with pytest.raises(ValueError, match=said):
        client(zen.Config(environ={}), tls=zen.Tls(**fields))


def test_a_key_with_a_password(tmp_path: Path) -> None:
    path = Authority(tmp_path).locked(tmp_path / "locked.pem", b"yes")
    tls = zen.Tls(certificate=path, password="yes")
    assert context_of(tls) is not context_of()
    assert "yes" not in repr(tls)


def test_a_key_needs_its_certificate() -> None:
    with pytest.raises(ValueError, match="of no use without its certificate"):
        zen.Tls(key="client.key")


def test_other_things_are_no_configuration() -> None:
    anything: Any = "bundle.pem"
    with pytest.raises(TypeError, match=r"zen_native.Tls or an ssl.SSLContext, not str"):
        zen.Client(tls=anything)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_connections": 0}, {"max_connections": True}, {"max_connections": 1.5}, {"max_idle": -1},
        {"max_idle": None}, {"idle_seconds": -1}, {"idle_seconds": float("nan")}, {"idle_seconds": True},
        {"idle_seconds": None},
    ],
    ids=str,
)  # fmt: skip
def test_limits_that_are_none_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))):
        ConnectionLimits(**fields)
