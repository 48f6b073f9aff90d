//! Tool calls in chat completions: which chunk belongs to which call.
//!
//! Owns the resolution of index, id, name and place in a batch, repeated or placeholder arguments, and when a call is
//! over. Assembly, ids and the parse of arguments are `tools`. Sources and rules stand at the twin,
//! `runtimes/pure/protocol/openai_chat_tools.py`.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{self, Json, Text, Value};
use crate::lifecycle::Out;
use crate::tools::{Opening, Tools};

use super::openai_chat_state::{Place, filled};

const LATE: &str = "arguments came for a call that was complete";
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A call as the wire knows it.
#[derive(Debug, Default)]
struct Entry {
    slot: usize,
    id: String,
    name: String,
    freeform: bool,
    /// `{}` that came first: a placeholder if arguments follow, the arguments if none do.
    held: String,
    /// Whether the first piece was a complete object.
    whole: bool,
    /// Length of the arguments in UTF-16 units, which does not depend on where a pair was cut.
    units: usize,
}

/// What one item of `tool_calls` says.
struct Item<'a> {
    index: Option<u64>,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    text: Text<'a>,
    freeform: bool,
}

impl<'a> Item<'a> {
    fn read(item: Value<'a>) -> Self {
        let [index, id, function, custom, kind] = item.pick(["index", "id", "function", "custom", "type"]);
        let (body, freeform) = match (function.is_object(), custom.is_object()) {
            (true, _) => (function, false),
            (false, true) => (custom, true),
            (false, false) => (item, kind.str().is_some_and(|kind| kind == "custom")),
        };
        let [name, arguments] = body.pick(["name", if freeform { "input" } else { "arguments" }]);
        Self {
            index: index.count(),
            id: id.str().unwrap_or_default(),
            name: name.str().unwrap_or_default(),
            text: argument_text(arguments),
            freeform,
        }
    }
}

/// The calls of one choice.
#[derive(Debug, Default)]
pub(super) struct Calls {
    entries: Vec<Entry>,
    by_index: HashMap<u64, usize>,
    by_pair: HashMap<(u64, String), usize>,
    by_id: HashMap<String, usize>,
    batch: Vec<usize>,
    /// How many calls, from the first, are over.
    over: usize,
    legacy: Option<usize>,
}

impl Calls {
    pub(super) fn on_tool_calls(&mut self, items: Value<'_>, mark: Place, tools: &mut Tools, out: &mut Out<'_>) {
        let size = items.items().count();
        let mut batch = Vec::new();
        for (place, item) in items.items().enumerate() {
            if item.is_object() {
                batch.extend(self.on_tool_call(item, (place, size), mark, tools, out));
            }
        }
        if !batch.is_empty() {
            self.batch = batch;
        }
    }

    fn on_tool_call(
        &mut self,
        value: Value<'_>,
        place: (usize, usize),
        mark: Place,
        tools: &mut Tools,
        out: &mut Out<'_>,
    ) -> Option<usize> {
        let item = Item::read(value);
        let at = match self.find(&item, place, tools) {
            Some(at) => {
                self.identify(at, &item, tools, out);
                at
            }
            None if item.id.is_empty() && item.name.is_empty() && item.text.is_empty() => return None,
            None => self.open(&item, mark, tools, out),
        };
        self.remember(at, &item);
        let extra = value.get("extra_content");
        let slot = self.entries.get(at).map(|entry| entry.slot)?;
        if extra.is_object() && filled(extra) {
            tools.annotate(slot, vec![("extra_content".to_owned(), extra.to_json())]);
        }
        self.on_arguments(at, item.text, tools, out);
        Some(at)
    }

    pub(super) fn on_function_call(&mut self, body: Value<'_>, mark: Place, tools: &mut Tools, out: &mut Out<'_>) {
        let [name, arguments] = body.pick(["name", "arguments"]);
        let name = name.str().unwrap_or_default();
        let text = argument_text(arguments);
        let item = Item { index: None, id: "".into(), name, text, freeform: false };
        let at = if let Some(known) = self.legacy {
            self.identify(known, &item, tools, out);
            known
        } else {
            let new = self.open(&item, mark, tools, out);
            if let Some(entry) = self.entries.get(new) {
                tools.annotate(entry.slot, vec![("function_call".to_owned(), Json::Bool(true))]);
            }
            self.legacy = Some(new);
            new
        };
        self.on_arguments(at, item.text, tools, out);
    }

    fn on_arguments(&mut self, at: usize, text: Text<'_>, tools: &mut Tools, out: &mut Out<'_>) {
        let Some(entry) = self.entries.get_mut(at).filter(|_| !text.is_empty()) else { return };
        if tools.is_settled(entry.slot) {
            if bare(&text) != Some("") && !entry.repeats(&text, tools) {
                out.warn(LATE);
            }
            return;
        }
        if !entry.freeform {
            if !entry.held.is_empty() || entry.units == 0 {
                if !entry.first(&text, tools, out) {
                    return;
                }
            } else if entry.repeats(&text, tools) {
                return;
            }
        }
        entry.give(text, tools, out);
    }

    /// The choice has a finish reason: calls that have all they need are over; `blank`: so are those without arguments.
    pub(super) fn finish(&mut self, blank: bool, tools: &mut Tools, out: &mut Out<'_>) {
        if blank {
            self.flush(tools, out);
        }
        tools.settle_whole(self.slots(), blank, out);
    }

    /// Where the calls of the choice stand in `tools`.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().map(|entry| entry.slot)
    }

    /// No more arguments can come: what was held back are the arguments.
    pub(super) fn flush(&mut self, tools: &mut Tools, out: &mut Out<'_>) {
        for entry in &mut self.entries {
            let held = std::mem::take(&mut entry.held);
            entry.give(held.into(), tools, out);
        }
    }

    fn open(&mut self, item: &Item<'_>, mark: Place, tools: &mut Tools, out: &mut Out<'_>) -> usize {
        self.leave(tools, out);
        let opening = Opening {
            id: Some(&item.id),
            name: Some(&item.name),
            freeform: item.freeform,
            metadata: mark.mark(),
            ..Opening::default()
        };
        let slot = tools.open(opening, out);
        let (id, name) = (item.id.to_string(), item.name.to_string());
        self.entries.push(Entry { slot, id, name, freeform: item.freeform, ..Entry::default() });
        self.entries.len() - 1
    }

    /// A call begins: the one before it may be over. Each is looked at once.
    fn leave(&mut self, tools: &mut Tools, out: &mut Out<'_>) {
        let Some(last) = self.entries.last().filter(|last| !last.id.is_empty()) else { return };
        if self.over + 1 == self.entries.len() && tools.close_whole(last.slot, false, out) {
            self.over += 1;
        }
    }

    fn identify(&mut self, at: usize, item: &Item<'_>, tools: &mut Tools, out: &mut Out<'_>) {
        let Some(entry) = self.entries.get_mut(at) else { return };
        if entry.id.is_empty() {
            item.id.as_ref().clone_into(&mut entry.id);
        }
        if entry.name.is_empty() {
            item.name.as_ref().clone_into(&mut entry.name);
        }
        if !item.id.is_empty() || !item.name.is_empty() {
            tools.identify(entry.slot, Some(&item.id), Some(&item.name), out);
        }
    }

    fn remember(&mut self, at: usize, item: &Item<'_>) {
        if let Some(index) = item.index {
            self.by_index.insert(index, at);
        }
        if !item.id.is_empty() {
            self.by_id.insert(item.id.to_string(), at);
            if let Some(index) = item.index {
                self.by_pair.insert((index, item.id.to_string()), at);
            }
        }
    }

    fn find(&self, item: &Item<'_>, (place, size): (usize, usize), tools: &Tools) -> Option<usize> {
        if let Some(index) = item.index {
            return self.find_by_index(index, item, tools);
        }
        let last = self.entries.len().checked_sub(1);
        if !item.id.is_empty() {
            if let Some(known) = self.by_id.get(item.id.as_ref()) {
                return Some(*known).filter(|known| !self.is_another(*known, item, tools));
            }
            let entry = self.entries.last()?;
            let goes_on = item.name.is_empty() || (item.name == entry.name && !entry.whole);
            return last.filter(|_| entry.id.is_empty() && goes_on);
        }
        let known = if size > 1 { self.batch.get(place).copied().or(last) } else { last }?;
        let named = self.entries.get(known).is_some_and(|entry| !entry.name.is_empty());
        (item.name.is_empty() || !named).then_some(known)
    }

    fn find_by_index(&self, index: u64, item: &Item<'_>, tools: &Tools) -> Option<usize> {
        let known = *self.by_index.get(&index)?;
        let entry = self.entries.get(known)?;
        if !item.id.is_empty() && !entry.id.is_empty() && item.id != entry.id.as_str() {
            let other = self.by_pair.get(&(index, item.id.to_string())).copied();
            let goes_on = other.is_none() && item.name.is_empty() && !item.text.is_empty();
            return if goes_on { Some(known) } else { other };
        }
        (!self.is_another(known, item, tools)).then_some(known)
    }

    /// Whether a chunk with the index or the id of a known call begins another one all the same.
    fn is_another(&self, known: usize, item: &Item<'_>, tools: &Tools) -> bool {
        let Some(entry) = self.entries.get(known) else { return false };
        if item.name.is_empty() || entry.name.is_empty() {
            return false;
        }
        let same_id = !item.id.is_empty() && item.id == entry.id.as_str();
        if item.name != entry.name.as_str() && !same_id {
            return true;
        }
        let placeholder = !entry.held.is_empty() && same_id;
        entry.whole && !item.text.is_empty() && !placeholder && !entry.repeats(&item.text, tools)
    }
}

impl Entry {
    fn give(&mut self, text: Text<'_>, tools: &mut Tools, out: &mut Out<'_>) {
        self.units += units(&text);
        tools.delta(self.slot, text, out);
    }

    /// The first arguments of a call: whether they can be given out now.
    fn first(&mut self, text: &Text<'_>, tools: &mut Tools, out: &mut Out<'_>) -> bool {
        let bare = bare(text);
        if bare == Some("{}") {
            text.body.as_ref().clone_into(&mut self.held);
            self.whole = true;
            return false;
        }
        if !self.held.is_empty() && bare == Some("") {
            return false;
        }
        let held = std::mem::take(&mut self.held);
        if text.low.is_some() || !text.body.trim_start_matches(SPACE).starts_with('{') {
            self.give(held.into(), tools, out);
        }
        self.whole = is_object(text);
        true
    }

    /// Whether the text is the whole call once more. The length is compared first, so that this stays linear.
    fn repeats(&self, text: &Text<'_>, tools: &Tools) -> bool {
        if !self.held.is_empty() {
            return bare(text) == Some("{}");
        }
        self.units == units(text) && tools.text(self.slot) == text.body && is_object(text)
    }
}

/// Arguments as text, whichever form they were sent in.
pub(super) fn argument_text(value: Value<'_>) -> Text<'_> {
    if value.is_object() || value.is_array() {
        return value.to_json().dump().into();
    }
    value.text().unwrap_or_else(|| "".into())
}

/// The text without white space around it, `None` where half a surrogate pair is at an edge.
fn bare<'t>(text: &'t Text<'_>) -> Option<&'t str> {
    (text.low.is_none() && text.high.is_none()).then(|| text.body.trim_matches(SPACE))
}

fn is_object(text: &Text<'_>) -> bool {
    bare(text).is_some_and(|bare| bare.starts_with('{') && bare.ends_with('}') && json::parse(bare).is_ok())
}

fn units(text: &Text<'_>) -> usize {
    let body = if text.body.is_ascii() { text.body.len() } else { text.body.encode_utf16().count() };
    body + usize::from(text.low.is_some()) + usize::from(text.high.is_some())
}
