"""The Python runtime: bytes in, events out, the twin of the crate `rust/core`.

The pipeline, in the order bytes take. Every file imports from those named before it, never from those after; outside
there is only the model (`zen_native.events`, `usage`, `errors`), and nobody but `zen_native.decoder` and
`zen_native.runtimes` reaches in.

    json, frame, options            values, frames and limits that all others speak in
    lead, document, field, header   how a body begins; pieces of framings
    sse, eventstream, json_array    one framing each: bytes to frames
    framing                         the registry of framings
    usage, think, lifecycle         counts; tags in text; the order of events, which no other file decides
    tools, error, cost              the assembly of calls; failures; charges beside the answer
    protocol/*                      one wire format each, in one file or several: frames to calls of `lifecycle`
    protocol                        the registry of protocols
    decoder                         framing, protocol and lifecycle as one object
    names                           names of the registries without their code
"""
