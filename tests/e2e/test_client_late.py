"""A client that is closed while it gets a connection, which comes about all the same: nothing is sent over it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from tests.kit.asking import WAYS, config, is_sync, new_client, run
from tests.kit.authority import Authority
from tests.kit.byhand import ByHand

import zen_native as zen

CLOSED = "the client is closed"


class Late:
    """A server to which a connection comes about when that is allowed."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.asked = threading.Event()
        self.allowed = threading.Event()
        self.over = threading.Event()
        self.heard = b""

    def serve(self, connection: socket.socket) -> None:
        """One connection, over TLS where there is a context."""
        try:
            if self._context is None:
                self.heard = connection.recv(1 << 16)
                return
            self.wait()
            with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as stream:
                self.heard = stream.recv(1 << 16)
        finally:
            self.over.set()

    def wait(self) -> None:
        """Until it is allowed."""
        self.asked.set()
        assert self.allowed.wait(10)


@pytest.fixture
def late(secure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Late]:
    made = Late(Authority(tmp_path).server() if secure else None)
    find = socket.getaddrinfo

    def found(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        is_late = host in ("late.test", b"late.test") and not flags & socket.AI_NUMERICHOST  # trio asks for that first
        if is_late:
            made.wait()
        return find("127.0.0.1" if is_late else host, port, family, type, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield made
    made.allowed.set()


async def closed_meanwhile(client: Any, late: Late, raised: list[BaseException]) -> None:
    """By another task than the one that asks."""

    async def ask() -> None:
        try:
            await client.generate("mine/m", "hi")
        except RuntimeError as error:
            raised.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        assert await to_thread.run_sync(late.asked.wait, 5)
        await client.aclose()
        late.allowed.set()


def closed_by_a_thread(client: Any, late: Late, raised: list[BaseException]) -> None:
    """By another thread than the one that asks."""

    def close() -> None:
        assert late.asked.wait(5)
        client.close()
        late.allowed.set()

    thread = threading.Thread(target=close)
    thread.start()
    try:
        client.generate("mine/m", "hi")
    except RuntimeError as error:
        raised.append(error)
    thread.join()


# uvloop asks the system itself for addresses.
@pytest.mark.parametrize(
    ("kind", "secure"), [(kind, secure) for kind in WAYS for secure in (False, True) if secure or "uvloop" not in kind]
)
def test_nothing_is_sent(kind: str, secure: bool, late: Late, tmp_path: Path) -> None:
    options: dict[str, Any] = {"retry": zen.RetryPolicy(attempts=1), "timeouts": zen.Timeouts(connect=20)}
    if secure:
        options["tls"] = zen.Tls(ca_file=tmp_path / "authority.pem")
    raised: list[BaseException] = []
    with ByHand(late.serve) as server:
        port = server.address.rpartition(":")[2]
        url = f"https://127.0.0.1:{port}" if secure else f"http://late.test:{port}"
        client = new_client(kind, config(server, base_url=url), **options)
        if is_sync(kind):
            closed_by_a_thread(client, late, raised)
        else:
            run(kind, lambda: closed_meanwhile(client, late, raised))
        assert [str(error) for error in raised] == [CLOSED]
        assert not server.connections or late.over.wait(5)
    assert late.heard == b""
