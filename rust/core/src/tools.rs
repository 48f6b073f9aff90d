//! Tool calls: the only place that assembles arguments and settles a call.
//!
//! Owns call ids (unique in a step, synthetic where the provider gave none), waiting for an id or a name that comes
//! late, the parse of the final arguments, and what becomes of a call that was cut. Which wire chunk belongs to which
//! call is the protocol's business: it keeps the slot that `open` returned. Twin of `runtimes/pure/tools.py`.

use std::collections::HashSet;

use crate::event::Event;
use crate::json::{self, Json, Meta, Text, merge};
use crate::lifecycle::Out;

/// Message of a `tool-input-error` whose text does not parse.
pub const NOT_JSON: &str = "the arguments are not valid JSON";
/// Message of a `tool-input-error` of an answer that was cut.
pub const CUT: &str = "the answer was cut before the arguments were complete";
/// Message of a `tool-input-error` of a call that nobody could run.
pub const NAMELESS: &str = "the call has no name";
/// Behind every opening: where a call stands whose input has not started.
const LAST: u64 = u64::MAX;
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    freeform: bool,
    provider_executed: bool,
    text: String,
    half: Option<u16>,
    opened: u64,
    metadata: Option<Meta>,
    progress: Progress,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Id or name are not known yet.
    Waiting,
    Started,
    Settled,
}

/// What `Tools::open` is told about a new call. Empty names and ids count as unknown.
#[derive(Debug, Default)]
pub struct Opening<'a> {
    /// The provider's id.
    pub id: Option<&'a str>,
    /// The tool.
    pub name: Option<&'a str>,
    /// The input is text, not JSON.
    pub freeform: bool,
    /// The provider runs it.
    pub provider_executed: bool,
    /// For the call.
    pub metadata: Option<Meta>,
}

/// The calls of one step, addressed by the slot (0, 1, 2 ...) that `open` returned.
#[derive(Debug, Default)]
pub struct Tools {
    calls: Vec<Call>,
    ids: HashSet<String>,
}

impl Tools {
    /// Whether a call was seen that the caller must run itself.
    #[must_use]
    pub fn any(&self) -> bool {
        self.calls.iter().any(|call| !call.provider_executed)
    }

    /// A new call. `tool-input-start` waits until id and name are known. Returns the slot.
    pub fn open(&mut self, opening: Opening<'_>, out: &mut Out<'_>) -> usize {
        let mut call = Call {
            id: opening.id.unwrap_or_default().to_owned(),
            name: opening.name.unwrap_or_default().to_owned(),
            freeform: opening.freeform,
            provider_executed: opening.provider_executed,
            text: String::new(),
            half: None,
            opened: LAST,
            metadata: opening.metadata,
            progress: Progress::Waiting,
        };
        if !call.id.is_empty() && !call.name.is_empty() {
            call.start(&mut self.ids, out);
        }
        self.calls.push(call);
        self.calls.len() - 1
    }

    /// An id or a name that came late; what is known already stays.
    pub fn identify(&mut self, slot: usize, id: Option<&str>, name: Option<&str>, out: &mut Out<'_>) {
        let Some(call) = self.calls.get_mut(slot).filter(|call| call.progress == Progress::Waiting) else { return };
        if call.id.is_empty() {
            id.unwrap_or_default().clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            name.unwrap_or_default().clone_into(&mut call.name);
        }
        if !call.id.is_empty() && !call.name.is_empty() {
            call.start(&mut self.ids, out);
        }
    }

    /// No id or name will come: the input starts with what is known.
    pub fn start(&mut self, slot: usize, out: &mut Out<'_>) {
        if let Some(call) = self.calls.get_mut(slot).filter(|call| call.progress == Progress::Waiting) {
            call.start(&mut self.ids, out);
        }
    }

    /// Id and name as they were given out, for the result of a tool that the provider ran.
    #[must_use]
    pub fn identity(&self, slot: usize) -> (&str, &str) {
        self.calls.get(slot).map_or(("", ""), |call| (&call.id, &call.name))
    }

    /// Metadata for the call, merged over what came before.
    pub fn annotate(&mut self, slot: usize, metadata: Meta) {
        if let Some(call) = self.calls.get_mut(slot) {
            merge(call.metadata.get_or_insert_default(), metadata);
        }
    }

    /// More of the argument text, as it came; nothing after the call was settled.
    pub fn delta(&mut self, slot: usize, text: Text<'_>, out: &mut Out<'_>) {
        if let Some(call) = self.unsettled(slot)
            && !text.is_empty()
        {
            let text = text.join(&mut call.half);
            call.append(&text, out);
        }
    }

    /// The argument text so far.
    #[must_use]
    pub fn text(&self, slot: usize) -> &str {
        self.calls.get(slot).map_or("", |call| call.text.as_str())
    }

    /// Whether the call is over.
    #[must_use]
    pub fn is_settled(&self, slot: usize) -> bool {
        self.calls.get(slot).is_some_and(Call::is_settled)
    }

    /// Whether no argument text came yet but white space.
    #[must_use]
    pub fn is_blank(&self, slot: usize) -> bool {
        self.text(slot).trim_matches(SPACE).is_empty()
    }

    /// The provider's final argument text: extends what was streamed, or replaces it where it differs.
    pub fn reconcile(&mut self, slot: usize, last: Text<'_>, out: &mut Out<'_>) {
        let Some(call) = self.unsettled(slot) else { return };
        let whole = last.into_string();
        call.half = None;
        if let Some(rest) = whole.strip_prefix(call.text.as_str()) {
            call.append(rest, out);
        } else {
            call.text = whole;
        }
    }

    /// The provider completed the call: its end, then the call, or an input error: no JSON, or no name at all.
    pub fn close(&mut self, slot: usize, out: &mut Out<'_>) {
        let Some(call) = self.calls.get_mut(slot).filter(|call| !call.is_settled()) else { return };
        let raw = call.end(&mut self.ids, out);
        if call.name.is_empty() {
            return call.emit_error(&raw, NAMELESS, out);
        }
        let input = if call.freeform {
            Ok(Json::String(raw.clone()))
        } else if raw.trim_matches(SPACE).is_empty() {
            Ok(Json::Object(Meta::new()))
        } else {
            json::parse(&raw)
        };
        match input {
            Ok(input) => call.emit_call(&input, out),
            Err(_) => call.emit_error(&raw, NOT_JSON, out),
        }
    }

    /// Ends a call whose arguments are a whole object, for nothing can be added to one; with `blank` one without
    /// arguments too. Its text stays, for what may be said again. Gives whether the call is over.
    pub fn close_whole(&mut self, slot: usize, blank: bool, out: &mut Out<'_>) -> bool {
        let Some(call) = self.calls.get_mut(slot) else { return false };
        if call.is_settled() {
            return true;
        }
        let is_blank = call.text.trim_matches(SPACE).is_empty();
        if call.half.is_some() || call.freeform || call.name.is_empty() || (is_blank && !blank) {
            return false;
        }
        let value = if is_blank { Ok(Json::Object(Meta::new())) } else { json::parse(&call.text) };
        let Ok(value @ Json::Object(_)) = value else { return false };
        out.close_before(call.opened);
        call.text = call.end(&mut self.ids, out);
        call.emit_call(&value, out);
        true
    }

    /// The provider gave the input as a JSON value, whose text was passed to `delta` or not at all.
    pub fn close_value(&mut self, slot: usize, value: &Json, out: &mut Out<'_>) {
        let Some(call) = self.calls.get_mut(slot).filter(|call| !call.is_settled()) else { return };
        call.end(&mut self.ids, out);
        call.emit_call(value, out);
    }

    /// The answer was cut within the call: it ends with an input error.
    pub fn cut(&mut self, slot: usize, out: &mut Out<'_>) {
        let Some(call) = self.calls.get_mut(slot).filter(|call| !call.is_settled()) else { return };
        let raw = call.end(&mut self.ids, out);
        call.emit_error(&raw, CUT, out);
    }

    /// The answer was cut: every call that is still open ends with an input error.
    pub fn cut_all(&mut self, out: &mut Out<'_>) {
        self.settle(|_| true, out);
    }

    /// Ends every call that is still open, and text or reasoning before it, in order of opening.
    /// Those that the end of the answer cut end with an input error.
    pub fn settle(&mut self, is_cut: impl Fn(usize) -> bool, out: &mut Out<'_>) {
        let unsettled = self.calls.iter().enumerate().filter(|(_, call)| !call.is_settled());
        let mut order: Vec<(u64, usize)> = unsettled.map(|(slot, call)| (call.opened, slot)).collect();
        order.sort_unstable();
        for (opened, slot) in order {
            out.close_before(opened);
            if is_cut(slot) {
                self.cut(slot, out);
            } else {
                self.close(slot, out);
            }
        }
    }

    /// `close_whole` for these in order of opening, up to the first that may go on.
    pub fn settle_whole(&mut self, slots: impl Iterator<Item = usize>, blank: bool, out: &mut Out<'_>) {
        let opened = |slot| self.calls.get(slot).map_or(LAST, |call: &Call| call.opened);
        let mut order: Vec<(u64, usize)> = slots.map(|slot| (opened(slot), slot)).collect();
        order.sort_unstable();
        for (_, slot) in order {
            if !self.close_whole(slot, blank, out) {
                break;
            }
        }
    }

    fn unsettled(&mut self, slot: usize) -> Option<&mut Call> {
        self.calls.get_mut(slot).filter(|call| !call.is_settled())
    }
}

impl Call {
    fn is_settled(&self) -> bool {
        self.progress == Progress::Settled
    }

    fn append(&mut self, text: &str, out: &mut Out<'_>) {
        if !text.is_empty() {
            self.text.push_str(text);
            if self.progress == Progress::Started {
                out.emit(Event::ToolInputDelta { id: &self.id, text });
            }
        }
    }

    fn start(&mut self, ids: &mut HashSet<String>, out: &mut Out<'_>) {
        if self.id.is_empty() || ids.contains(&self.id) {
            let mut note = vec![("synthetic_id".to_owned(), Json::Bool(true))];
            if !self.id.is_empty() {
                note.push(("original_id".to_owned(), Json::str(std::mem::take(&mut self.id))));
            }
            merge(&mut note, self.metadata.take().unwrap_or_default());
            self.metadata = Some(note);
            self.id = fresh_id(ids, out);
        }
        ids.insert(self.id.clone());
        self.progress = Progress::Started;
        self.opened = out.opening();
        let (id, name, provider_executed) = (self.id.as_str(), self.name.as_str(), self.provider_executed);
        out.emit(Event::ToolInputStart { id, name, provider_executed });
        if !self.text.is_empty() {
            out.emit(Event::ToolInputDelta { id, text: &self.text });
        }
    }

    /// Ends the input and gives its text; the buffer is let go.
    fn end(&mut self, ids: &mut HashSet<String>, out: &mut Out<'_>) -> String {
        if self.progress == Progress::Waiting {
            self.start(ids, out);
        }
        if self.half.take().is_some() {
            self.append("\u{fffd}", out);
        }
        self.progress = Progress::Settled;
        out.emit(Event::ToolInputEnd { id: &self.id });
        std::mem::take(&mut self.text)
    }

    fn emit_call(&self, input: &Json, out: &mut Out<'_>) {
        let (id, name, provider_executed) = (self.id.as_str(), self.name.as_str(), self.provider_executed);
        out.emit(Event::ToolCall { id, name, input, provider_executed, metadata: self.metadata.as_ref() });
    }

    fn emit_error(&self, raw: &str, message: &str, out: &mut Out<'_>) {
        out.emit(Event::ToolInputError { id: &self.id, name: &self.name, raw, message });
    }
}

fn fresh_id(ids: &HashSet<String>, out: &mut Out<'_>) -> String {
    loop {
        let id = out.new_id("call");
        if !ids.contains(&id) {
            return id;
        }
    }
}
