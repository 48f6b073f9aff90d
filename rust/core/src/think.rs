//! Reasoning that a model writes into its answer between tags such as `<think>` and `</think>`.
//!
//! Owns where a tag counts: an opening one at the start of the answer, of a line, or right behind a closing one; a
//! closing one anywhere inside. White space around the reasoning goes with the tags. Names match in any case, opening
//! tags may have attributes. What is no tag is text, also a closing tag without an opening one.
//! Twin of `runtimes/pure/think.py`.

/// Whether it is reasoning, and the text.
pub type Piece = (bool, String);

const MAX_TAG: usize = 128;
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Splits the text of one block. The pieces do not depend on how the text was cut, only on where they are.
#[derive(Debug)]
pub struct ThinkSplitter {
    tags: Vec<String>,
    inside: bool,
    lead: Lead,
    line_start: bool,
    space: String,
    held: String,
}

/// What becomes of white space before the first text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// Since the beginning: it stays, unless a tag follows.
    Kept,
    /// Since a tag: it goes.
    Dropped,
    /// There was text.
    Over,
}

/// What stands at a `<`.
enum Tag {
    /// No tag.
    None,
    /// A tag that ends there.
    Ends(usize),
    /// More text is needed.
    Open,
}

impl ThinkSplitter {
    /// For tags of these names.
    #[must_use]
    pub fn new(tags: &[String]) -> Self {
        let tags = tags.iter().map(|tag| tag.to_ascii_lowercase()).collect();
        Self { tags, inside: false, lead: Lead::Kept, line_start: true, space: String::new(), held: String::new() }
    }

    /// The pieces that are decided.
    pub fn feed(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut text = text;
        let joined;
        if !self.held.is_empty() {
            joined = std::mem::take(&mut self.held) + text;
            text = &joined;
        }
        while let Some((before, behind)) = text.split_once('<') {
            self.emit(before, &mut pieces);
            match self.tag(behind) {
                Tag::Open => {
                    self.held = format!("<{behind}");
                    return pieces;
                }
                Tag::None => {
                    self.emit("<", &mut pieces);
                    text = behind;
                }
                Tag::Ends(end) => text = behind.get(end..).unwrap_or(""),
            }
        }
        self.emit(text, &mut pieces);
        pieces
    }

    /// What was held back, when the block ends; the next text starts anew.
    pub fn flush(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let held = std::mem::take(&mut self.held);
        self.emit(&held, &mut pieces);
        if !self.space.is_empty() {
            pieces.push((false, std::mem::take(&mut self.space)));
        }
        (self.inside, self.lead, self.line_start) = (false, Lead::Kept, true);
        pieces
    }

    fn emit(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        let mut whole = text.to_owned();
        if self.lead != Lead::Over {
            let rest = text.trim_start_matches(SPACE);
            if self.lead == Lead::Kept {
                self.space.push_str(text.strip_suffix(rest).unwrap_or(""));
            }
            self.line_start = true;
            if rest.is_empty() {
                return;
            }
            whole = std::mem::take(&mut self.space) + rest;
            self.lead = Lead::Over;
        }
        self.line_start = whole.ends_with('\n');
        match pieces.last_mut().filter(|(inside, _)| *inside == self.inside) {
            Some((_, last)) => last.push_str(&whole),
            None => pieces.push((self.inside, whole)),
        }
    }

    /// What the text behind a `<` makes of it; `Ends` counts from there.
    fn tag(&mut self, behind: &str) -> Tag {
        if !self.inside && !self.line_start {
            return Tag::None;
        }
        let bytes = behind.as_bytes();
        let window = bytes.get(..MAX_TAG - 1).unwrap_or(bytes);
        let closed = memchr::memchr(b'>', window);
        let end = closed.unwrap_or(window.len());
        let Some(name) = behind.get(..end).filter(|name| name.is_ascii() && !name.contains('<')) else {
            return Tag::None;
        };
        let name = name.to_ascii_lowercase();
        if closed.is_none() {
            let open = window.len() < MAX_TAG - 1 && self.may_become(&name);
            return if open { Tag::Open } else { Tag::None };
        }
        if !self.is_tag(&name) {
            return Tag::None;
        }
        self.inside = !self.inside;
        (self.lead, self.line_start) = (Lead::Dropped, true);
        self.space.clear();
        Tag::Ends(end + 1)
    }

    fn is_tag(&self, body: &str) -> bool {
        if self.inside {
            return body.strip_prefix('/').is_some_and(|name| {
                let name = name.trim_end_matches(SPACE);
                self.tags.iter().any(|tag| tag == name)
            });
        }
        self.tags.iter().any(|tag| tag == body || has_attributes(body, tag))
    }

    fn may_become(&self, body: &str) -> bool {
        let mut body = body;
        if self.inside {
            if body.is_empty() {
                return true;
            }
            let Some(name) = body.strip_prefix('/') else { return false };
            body = name;
        }
        self.tags.iter().any(|tag| tag.starts_with(body) || has_attributes(body, tag))
    }
}

fn has_attributes(body: &str, tag: &str) -> bool {
    body.strip_prefix(tag).is_some_and(|rest| rest.starts_with(SPACE))
}
