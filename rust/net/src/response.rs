//! The responses of one connection: bytes in, parts out.
//!
//! Owns which response the bytes belong to, and whether the connection can take another request. What comes out does
//! not depend on how the bytes were cut, but for the cuts inside a body. Owns no meaning of a body.

use crate::chunked::{Chunked, Found};
use crate::failure::{Failure, Result};
use crate::head::{Framing, Head, find_end};

/// The most informational responses in front of one answer.
const MAX_INFORMATIONAL: u32 = 16;
const SWITCHING_PROTOCOLS: u16 = 101;

const SPENT: Failure = Failure::head("the connection was not kept open for another request");
const UNASKED: Failure = Failure::head("the server sent what nobody asked for");
const UNDER_WAY: Failure = Failure::head("the last response is still under way");
const CLOSED: Failure = Failure::head("the server closed the connection before it answered");

/// A part of a response.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Status and fields of the answer; informational ones are left out.
    Head(Head),
    /// The next piece of the body, never empty.
    Body(&'a [u8]),
    /// The body is complete.
    End,
}

/// What the next bytes are.
#[derive(Debug)]
enum Phase {
    /// Nobody asked for any.
    Idle,
    Head,
    Length(u64),
    Chunked(Chunked),
    Close,
    /// Nothing that would be read, for this reason.
    Over(Failure),
}

/// The server's half of one connection.
#[derive(Debug)]
pub struct Response {
    phase: Phase,
    max_head: usize,
    /// The answer to this kind of request has no body.
    bodiless: bool,
    /// The connection outlives the response.
    keeps: bool,
    informational: u32,
    /// A head as far as earlier bytes gave it.
    held: Vec<u8>,
}

impl Response {
    /// A connection on which nothing happened yet. `max_head`: the most bytes of a head, and of a trailer.
    #[must_use]
    pub fn new(max_head: usize) -> Self {
        Self { phase: Phase::Idle, max_head, bodiless: false, keeps: false, informational: 0, held: Vec::new() }
    }

    /// Whether a request may be sent: the last response is complete, the connection outlived it, and nothing else came.
    #[must_use]
    pub fn ready(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Whether a response was asked for and is not complete.
    #[must_use]
    pub fn under_way(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Over(_))
    }

    /// The next response is the answer to a request with this method.
    ///
    /// # Errors
    /// The connection takes no request, for this reason.
    pub fn begin(&mut self, method: &str) -> Result<()> {
        match self.phase {
            Phase::Idle => {}
            Phase::Over(failure) => return Err(failure),
            _ => return Err(UNDER_WAY),
        }
        self.bodiless = method == "HEAD";
        self.informational = 0;
        self.phase = Phase::Head;
        Ok(())
    }

    /// The next part, and `bytes` is what lies behind it. None: they are used up, go on with the next.
    ///
    /// # Errors
    /// What came is no response. All bytes after it are dropped.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Part<'a>>> {
        self.try_next(bytes).inspect_err(|failure| self.stop(*failure))
    }

    /// The server will send no more. Whether that was the end of a body.
    ///
    /// # Errors
    /// The response is incomplete.
    pub fn eof(&mut self) -> Result<bool> {
        let failure = match self.phase {
            Phase::Over(_) => return Ok(false),
            Phase::Idle => CLOSED,
            Phase::Close => SPENT,
            Phase::Head if self.held.is_empty() && self.informational == 0 => CLOSED,
            Phase::Head => Failure::head("the server closed the connection in the head of its response"),
            Phase::Length(_) | Phase::Chunked(_) => {
                Failure::body("the server closed the connection before the end of the body")
            }
        };
        let incomplete = matches!(self.phase, Phase::Head | Phase::Length(_) | Phase::Chunked(_));
        let complete = matches!(self.phase, Phase::Close);
        self.stop(failure);
        if incomplete { Err(failure) } else { Ok(complete) }
    }

    /// The connection is gone, in whatever phase.
    pub fn lost(&mut self) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.stop(CLOSED);
        }
    }

    fn stop(&mut self, failure: Failure) {
        self.phase = Phase::Over(failure);
        self.held = Vec::new();
    }

    fn try_next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Part<'a>>> {
        match &mut self.phase {
            Phase::Head => Ok(self.head(bytes)?.map(Part::Head)),
            Phase::Length(0) => Ok(Some(self.end())),
            Phase::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= here as u64;
                Ok(piece(bytes, here))
            }
            Phase::Close => Ok(piece(bytes, bytes.len())),
            Phase::Chunked(chunked) => Ok(match chunked.next(bytes)? {
                Some(Found::Data(data)) => Some(Part::Body(data)),
                Some(Found::End) => Some(self.end()),
                None => None,
            }),
            Phase::Idle if bytes.is_empty() => Ok(None),
            Phase::Idle => {
                self.stop(UNASKED);
                *bytes = &[];
                Ok(None)
            }
            Phase::Over(_) => {
                *bytes = &[];
                Ok(None)
            }
        }
    }

    fn end(&mut self) -> Part<'static> {
        self.phase = if self.keeps { Phase::Idle } else { Phase::Over(SPENT) };
        Part::End
    }

    /// The head of the answer. A head that comes in one piece is not copied.
    #[inline(never)]
    fn head(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>> {
        loop {
            let head = if self.held.is_empty() {
                let Some(end) = find_end(bytes, 0, self.max_head)? else {
                    self.held.extend_from_slice(bytes);
                    *bytes = &[];
                    return Ok(None);
                };
                let (head, rest) = bytes.split_at(end);
                *bytes = rest;
                Head::parse(head)?
            } else {
                let Some(head) = self.held_head(bytes)? else { return Ok(None) };
                head
            };
            if head.status >= 200 {
                self.phase = self.body(&head)?;
                return Ok(Some(head));
            }
            self.skip(&head)?;
        }
    }

    fn held_head(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>> {
        let before = self.held.len();
        let room = self.max_head.saturating_sub(before).min(bytes.len());
        let (taken, _) = bytes.split_at(room);
        self.held.extend_from_slice(taken);
        let Some(end) = find_end(&self.held, before.saturating_sub(2), self.max_head)? else {
            *bytes = &[];
            return Ok(None);
        };
        *bytes = bytes.get(end - before..).unwrap_or_default();
        self.held.truncate(end);
        Head::parse(&std::mem::take(&mut self.held)).map(Some)
    }

    fn body(&mut self, head: &Head) -> Result<Phase> {
        let framing = head.framing(self.bodiless)?;
        self.keeps = head.keeps(framing);
        Ok(match framing {
            Framing::Length(length) => Phase::Length(length),
            Framing::Chunked => Phase::Chunked(Chunked::new(self.max_head)),
            Framing::Close => Phase::Close,
        })
    }

    fn skip(&mut self, head: &Head) -> Result<()> {
        self.informational += 1;
        if head.status == SWITCHING_PROTOCOLS {
            return Err(Failure::head("the server changes to a protocol that nobody asked for"));
        }
        if self.informational > MAX_INFORMATIONAL {
            return Err(Failure::head("the server sends informational responses without end"));
        }
        Ok(())
    }
}

fn piece<'a>(bytes: &mut &'a [u8], length: usize) -> Option<Part<'a>> {
    let (data, rest) = bytes.split_at(length);
    *bytes = rest;
    if data.is_empty() { None } else { Some(Part::Body(data)) }
}
