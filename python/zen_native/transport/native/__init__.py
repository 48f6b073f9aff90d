"""The native transport: sockets and TLS of the standard library, answers read and decoded by the extension.

    origin     where a URL leads, and what stands in the first line of a request
    head       a request as bytes
    secure     TLS as a layer of its own, over bytes
    idle       the connections that nobody uses
    polling    who reads the connections of an event loop
    turns      which task may have a connection
    waiting    what a task waits on, and the one timer of a stream
    aio        asyncio: `AioTransport`
    blocking   threads: `BlockingTransport`, with turns of its own

What reads an answer is `_core.Wire`. Owns nothing that outlives its client, and no thread.
"""
