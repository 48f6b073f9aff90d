"""The native transport: sockets and TLS of the standard library, answers read and decoded by the extension.

    origin               where a URL leads, and what stands in the first line of a request
    head                 a request as bytes
    secure               TLS as a layer of its own, over bytes
    answer               what the answers of both kinds have in common, and what their end means
    idle                 the connections that nobody uses

    aio                  asyncio: `AioTransport`
    turns                which task may have a connection
    connection           a connection on an event loop
    polling              who reads the connections of an event loop
    quiet                what reads an answer, for event loops in daemon threads
    exchange             the answer to one request
    waiting              what a task waits on, and the timers of an event loop for that
    rest                 the rest of a body whose answer has ended

    blocking             threads: `BlockingTransport`, and the answer to one request
    blocking_turns       which thread may have a connection
    blocking_connection  a connection that a thread waits on

What reads an answer is `_core.Wire`. Owns nothing that outlives its client, and no thread.
"""
