//! Why a response is no response: one enum of kinds, and a sentence. Never a piece of what the server sent.

/// Where it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no head: it is malformed, too large, or the connection ended before it did.
    Head,
    /// The head was there, but its body is malformed, or the connection ended before it did.
    Body,
}

impl Kind {
    /// The name that Python sees.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Body => "body",
        }
    }
}

/// A failure. The connection is of no use afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it went wrong.
    pub kind: Kind,
    /// One sentence.
    pub message: &'static str,
}

impl Failure {
    pub(crate) const fn head(message: &'static str) -> Self {
        Self { kind: Kind::Head, message }
    }

    pub(crate) const fn body(message: &'static str) -> Self {
        Self { kind: Kind::Body, message }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Failure {}

/// Result of reading on.
pub type Result<T> = std::result::Result<T, Failure>;
