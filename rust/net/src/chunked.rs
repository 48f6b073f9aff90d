//! Chunked bodies (RFC 9112, 7.1): sizes, extensions, data, trailer.
//!
//! Lines end in CR LF here and in nothing less. Extensions and the trailer are bounded, checked and dropped.

use httparse::{EMPTY_HEADER, Status};

use crate::failure::{Failure, Result};
use crate::head::MAX_FIELDS;

/// The most bytes of one chunk's extensions, which nobody asked for.
const MAX_EXTENSIONS: usize = 1024;
/// Enough for any 64-bit number.
const MAX_DIGITS: usize = 16;

/// Where in the body we are.
#[derive(Debug)]
enum At {
    /// In a size, behind so many of its digits.
    Size(usize),
    /// Behind a size, in so many blanks, which may stand before an extension or the end of the line.
    Blanks(usize),
    /// In so many bytes of extensions.
    Extensions(usize),
    /// Behind the CR of a chunk's first line.
    LineFeed,
    Data,
    /// Behind the data, then behind its CR.
    DataReturn,
    DataFeed,
    /// Behind the line of the last chunk.
    Trailer,
}

/// Reads one chunked body.
#[derive(Debug)]
pub(crate) struct Chunked {
    at: At,
    /// What is left of the chunk.
    left: u64,
    trailer: Vec<u8>,
    max_trailer: usize,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Data(&'a [u8]),
    End,
}

impl Chunked {
    pub(crate) fn new(max_trailer: usize) -> Self {
        Self { at: At::Size(0), left: 0, trailer: Vec::new(), max_trailer }
    }

    /// The next piece of data, or the end, and `bytes` is what lies behind it; None where all are read.
    pub(crate) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Found<'a>>> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if matches!(self.at, At::Data) {
                return Ok(Some(Found::Data(self.data(bytes))));
            }
            if self.plain_line(bytes) {
                continue;
            }
            *bytes = rest;
            if self.byte(byte)? {
                return Ok(Some(Found::End));
            }
        }
        Ok(None)
    }

    /// Takes a byte that is no data; whether it was the last of the body. Apart, so that the way of most bodies is
    /// short in memory, too.
    #[inline(never)]
    fn byte(&mut self, byte: u8) -> Result<bool> {
        self.at = match self.at {
            At::Size(digits) => self.size(byte, digits)?,
            At::Blanks(read) => blanks(byte, read)?,
            At::Extensions(read) => extensions(byte, read)?,
            At::LineFeed if byte == b'\n' && self.left == 0 => At::Trailer,
            At::LineFeed if byte == b'\n' => At::Data,
            At::DataReturn if byte == b'\r' => At::DataFeed,
            At::DataFeed if byte == b'\n' => At::Size(0),
            At::Trailer => return self.trailer(byte),
            _ => return Err(Failure::body("a chunk of the response does not end where it says")),
        };
        Ok(false)
    }

    /// Takes what stands between the data of two chunks at once, where all of it is there and there is nothing special
    /// about it. Most of it is like that, and byte by byte it costs a fifth of the decoding of a short event.
    fn plain_line(&mut self, bytes: &mut &[u8]) -> bool {
        let line = match (&self.at, *bytes) {
            (At::DataReturn, [b'\r', b'\n']) => {
                (self.at, *bytes) = (At::Size(0), &[]);
                return true;
            }
            (At::DataReturn, [b'\r', b'\n', line @ ..]) | (At::Size(0), line) => line,
            _ => return false,
        };
        let mut size = 0;
        for (at, &byte) in line.iter().take(MAX_DIGITS).enumerate() {
            if let Some(digit) = char::from(byte).to_digit(16) {
                size = (size << 4) | u64::from(digit);
            } else if let Some([b'\r', b'\n', data @ ..]) = line.get(at..)
                && size > 0
            {
                (self.left, self.at, *bytes) = (size, At::Data, data);
                return true;
            } else {
                return false;
            }
        }
        false
    }

    fn data<'a>(&mut self, bytes: &mut &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let (data, rest) = bytes.split_at(here);
        *bytes = rest;
        self.left -= here as u64;
        if self.left == 0 {
            self.at = At::DataReturn;
        }
        data
    }

    fn size(&mut self, byte: u8, digits: usize) -> Result<At> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            if digits == MAX_DIGITS {
                return Err(Failure::body("the size of a chunk is too large"));
            }
            self.left = (self.left << 4) | u64::from(digit);
            return Ok(At::Size(digits + 1));
        }
        match byte {
            b'\r' if digits > 0 => Ok(At::LineFeed),
            b';' | b' ' | b'\t' if digits > 0 => blanks(byte, 0),
            _ => Err(Failure::body("the size of a chunk is malformed")),
        }
    }

    /// Takes a byte of the trailer; whether it was the last.
    fn trailer(&mut self, byte: u8) -> Result<bool> {
        if byte == b'\n' && self.trailer.last() != Some(&b'\r') {
            return Err(Failure::body("the trailer of the response is malformed"));
        }
        self.trailer.push(byte);
        if self.trailer == b"\r\n" {
            return Ok(true);
        }
        if self.trailer.ends_with(b"\r\n\r\n") {
            return self.check_trailer().map(|()| true);
        }
        if self.trailer.len() >= self.max_trailer {
            return Err(Failure::body("the trailer of the response is too large"));
        }
        Ok(false)
    }

    fn check_trailer(&mut self) -> Result<()> {
        let trailer = std::mem::take(&mut self.trailer);
        match httparse::parse_headers(&trailer, &mut [EMPTY_HEADER; MAX_FIELDS]) {
            Ok(Status::Complete((end, _))) if end == trailer.len() => Ok(()),
            _ => Err(Failure::body("the trailer of the response is malformed")),
        }
    }
}

/// What stands behind the size alone says nothing that the size does not.
fn blanks(byte: u8, read: usize) -> Result<At> {
    match byte {
        b'\r' => Ok(At::LineFeed),
        b';' => Ok(At::Extensions(read + 1)),
        b' ' | b'\t' if read < MAX_EXTENSIONS => Ok(At::Blanks(read + 1)),
        _ => Err(Failure::body("the size of a chunk is malformed")),
    }
}

/// Also in quotes no control character may stand, and so no CR that ends no line.
fn extensions(byte: u8, read: usize) -> Result<At> {
    match byte {
        b'\r' => Ok(At::LineFeed),
        _ if byte.is_ascii_control() && byte != b'\t' => Err(Failure::body("the extensions of a chunk are malformed")),
        _ if read >= MAX_EXTENSIONS => Err(Failure::body("the extensions of a chunk are too large")),
        _ => Ok(At::Extensions(read + 1)),
    }
}
