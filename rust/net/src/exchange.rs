//! One connection and the decoder of the answer on it: bytes in; head, events and what is not decoded out.
//!
//! Owns what is decoded: an answer of status 2xx whose body is not encoded, where there is a decoder for it. Any other
//! body is kept as it is. What follows when the decoder is done is dropped, and counted. The decoder is never told of
//! the end of the body: that is for the owner, who knows how the exchange ended.

use zen_core::decoder::Decoder;
use zen_core::event::Emit;

use crate::failure::{Failure, Result};
use crate::head::Head;
use crate::response::{Part, Response};

/// A decoder, and who takes its events.
pub type Target<'t> = (&'t mut Decoder, &'t mut dyn Emit);

/// The answer under way on one connection.
#[derive(Debug)]
pub struct Exchange {
    response: Response,
    decoding: bool,
    /// What became of the answer so far.
    pub answer: Answer,
}

/// What became of one answer so far.
#[derive(Debug, Default)]
pub struct Answer {
    /// Status and fields, for the owner to take once they are there.
    pub head: Option<Head>,
    /// The body goes to the decoder.
    pub decodes: bool,
    /// The body as it is, for the owner to take, where it is not decoded.
    pub raw: Vec<u8>,
    /// The bytes that were dropped because the decoder was done.
    pub skipped: u64,
    /// Any byte came.
    pub received: bool,
    /// Nothing more will come.
    pub ended: bool,
    /// Why it is incomplete.
    pub failure: Option<Failure>,
}

impl Exchange {
    /// A connection on which nothing happened yet. `max_head`: the most bytes of a head, and of a trailer.
    #[must_use]
    pub fn new(max_head: usize) -> Self {
        Self { response: Response::new(max_head), decoding: false, answer: Answer::default() }
    }

    /// Whether a request may be sent.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.response.ready()
    }

    /// Whether an answer was asked for that has not ended.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.response.under_way()
    }

    /// Whether nothing that still comes is of use to anybody: no answer is under way, and none will be.
    #[must_use]
    pub fn over(&self) -> bool {
        !self.ready() && !self.under_way()
    }

    /// The next answer is that to a request with this method; its body is decoded, where it can be, if `decoding`. On
    /// a connection that takes no request the answer has ended before it began.
    pub fn begin(&mut self, method: &str, decoding: bool) {
        self.decoding = decoding;
        self.answer = Answer::default();
        let outcome = self.response.begin(method);
        self.settle(outcome);
    }

    /// Takes the next bytes. `target`: the decoder, the same one for all of an answer, and who takes its events.
    pub fn feed(&mut self, bytes: &[u8], target: Option<Target<'_>>) {
        self.answer.received |= !bytes.is_empty() && self.under_way();
        let outcome = self.read(bytes, target);
        self.settle(outcome);
    }

    /// The server will send no more.
    pub fn eof(&mut self) {
        let outcome = self.response.eof();
        self.answer.ended |= matches!(outcome, Ok(true));
        self.settle(outcome.map(|_| ()));
    }

    /// The connection is gone, and why is for the owner to say. Whether that broke an answer off.
    pub fn lost(&mut self) -> bool {
        let broken = self.under_way();
        self.response.lost();
        self.answer.ended |= broken;
        broken
    }

    fn settle(&mut self, outcome: Result<()>) {
        if let Err(failure) = outcome {
            self.answer.failure = Some(failure);
            self.answer.ended = true;
        }
    }

    fn read(&mut self, mut bytes: &[u8], mut target: Option<Target<'_>>) -> Result<()> {
        while let Some(part) = self.response.next(&mut bytes)? {
            let answer = &mut self.answer;
            match part {
                Part::Head(head) => answer.begin(head, self.decoding),
                Part::Body(data) if answer.decodes => match &mut target {
                    Some((decoder, emit)) if !decoder.done() => decoder.feed(data, *emit),
                    _ => answer.skipped += data.len() as u64,
                },
                Part::Body(data) => answer.raw.extend_from_slice(data),
                Part::End => answer.ended = true,
            }
        }
        Ok(())
    }
}

impl Answer {
    #[cold]
    fn begin(&mut self, head: Head, decoding: bool) {
        self.decodes = decoding && decodable(&head);
        self.head = Some(head);
    }
}

fn decodable(head: &Head) -> bool {
    let encoding = head.get("content-encoding").unwrap_or_default();
    (200..300).contains(&head.status) && (encoding.is_empty() || encoding.eq_ignore_ascii_case("identity"))
}
