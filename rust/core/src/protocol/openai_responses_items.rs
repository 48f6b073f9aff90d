//! Output items of an `OpenAI` Responses answer: which item a frame speaks of, and what is known of it.
//!
//! Owns identity (output index, item id, call id) and the parts of an item; emits nothing. An item that is still open
//! goes before a closed one, and the output index before the item id, because some hosts make up a new id in every
//! frame. An index that two open items share decides nothing. A call id names one call, whatever the item ids say.
//! An item is taken out of the list while it is worked on. Twin of
//! `runtimes/pure/protocol/openai_responses_items.py`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::json::{Json, Value};

const CALLS: [&str; 3] = ["program", "mcp_list_tools", "mcp_approval_request"];

/// What an item is to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call,
    /// The output of a call.
    Output,
    #[default]
    Opaque,
}

/// What an item of this wire type is to us.
pub(super) fn kind_of(wire_type: &str) -> Kind {
    match wire_type {
        "message" => Kind::Message,
        "reasoning" => Kind::Reasoning,
        _ if wire_type.ends_with("_call") || CALLS.contains(&wire_type) => Kind::Call,
        _ if wire_type.ends_with("_output") => Kind::Output,
        _ => Kind::Opaque,
    }
}

/// A string that is not empty.
pub(super) fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.str().filter(|text| !text.is_empty())
}

/// The string, or another one where it is missing or empty.
pub(super) fn text_or<'a>(text: Option<&'a str>, other: &'a str) -> &'a str {
    text.filter(|text| !text.is_empty()).unwrap_or(other)
}

/// Where the last text delta went: the next one mostly goes there too.
#[derive(Debug)]
pub(super) struct Hot {
    pub(super) item_id: Option<String>,
    pub(super) output_index: Option<u64>,
    pub(super) content_index: Option<u64>,
    pub(super) key: u64,
}

/// The sorts of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    Text,
    Refusal,
    Summary,
    Reasoning,
}

impl Sort {
    /// As the wire names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "output_text",
            Self::Refusal => "refusal",
            Self::Summary => "summary_text",
            Self::Reasoning => "reasoning_text",
        }
    }
}

/// One content or summary part: its block key, and how much of it was given out.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) key: u64,
    pub(super) streamed: bool,
    pub(super) done: bool,
    pub(super) cited: u64,
}

/// One output item.
///
/// `key` is the block of reasoning that was opened last, `slot` the place of a call in `Tools`, `call_id` the id it was
/// opened with; `complete` says that its whole input came.
#[derive(Debug, Default)]
pub(super) struct Item {
    pub(super) wire_type: String,
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
    pub(super) parts: HashMap<(Sort, u64), Part>,
    pub(super) slot: Option<usize>,
    pub(super) call_id: Option<String>,
    pub(super) phase: Option<String>,
    pub(super) phase_said: bool,
    pub(super) encrypted: Option<String>,
    pub(super) key: Option<u64>,
    pub(super) complete: bool,
    pub(super) closed: bool,
}

impl Item {
    /// What an item says of itself when it begins and, with authority, when it ends.
    pub(super) fn describe(&mut self, raw: Value<'_>) {
        let [phase, encrypted] = raw.pick(["phase", "encrypted_content"]);
        if self.phase.is_none() {
            self.phase = text(phase).map(Cow::into_owned);
        }
        if let Some(encrypted) = text(encrypted) {
            self.encrypted = Some(encrypted.into_owned());
        }
    }

    /// Another ciphertext than the one that is known, and whose it is.
    pub(super) fn other_ciphertext(&self, raw: Value<'_>) -> Option<(String, Json)> {
        let [id, said] = raw.pick(["id", "encrypted_content"]).map(text);
        let (id, said) = (id.as_deref().or(self.id.as_deref())?, said?);
        (Some(&*said) != self.encrypted.as_deref()).then(|| (id.to_owned(), Json::str(said)))
    }

    /// Whether it has still to be given out at the end: a call counts only if it is whole, or the answer was not cut.
    pub(super) fn is_left_open(&self, cut: bool) -> bool {
        !self.closed
            && match self.kind {
                Kind::Message | Kind::Reasoning => true,
                Kind::Call => self.complete || !cut,
                Kind::Output | Kind::Opaque => false,
            }
    }

    /// Whether it may be the one described: two call ids make two calls.
    fn may_be(&self, raw: Value<'_>) -> bool {
        let (Some(said), Some(known)) = (text(raw.get("call_id")), self.call_id.as_deref()) else { return true };
        Some(known) == self.id.as_deref() || *known == *said
    }
}

/// All items of one answer, in order of appearance, addressed by their place.
#[derive(Debug, Default)]
pub(super) struct Items {
    all: Vec<Item>,
    named: HashMap<String, usize>,
    at: HashMap<u64, Option<usize>>,
    calls: HashMap<String, usize>,
    last: HashMap<Kind, usize>,
    typed: HashMap<String, usize>,
    keys: u64,
}

impl Items {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The item at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Item> {
        self.all.get(place)
    }

    /// Takes an item out, to be worked on; `put` brings it back.
    pub(super) fn take(&mut self, place: usize) -> Item {
        self.all.get_mut(place).map(std::mem::take).unwrap_or_default()
    }

    /// Brings an item back.
    pub(super) fn put(&mut self, place: usize, item: Item) {
        if let Some(slot) = self.all.get_mut(place) {
            *slot = item;
        }
    }

    /// A block key that was not given out before.
    pub(super) fn new_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    /// The part of an item, made where it is new. The first one takes over the block its item opened.
    pub(super) fn part<'i>(&mut self, item: &'i mut Item, kind: Sort, index: u64) -> &'i mut Part {
        let first = item.key.filter(|_| item.parts.is_empty());
        item.parts.entry((kind, index)).or_insert_with(|| {
            let key = first.unwrap_or_else(|| self.new_key());
            Part { key, streamed: false, done: false, cited: 0 }
        })
    }

    /// The item that a delta or done frame speaks of, made where nothing announced it.
    pub(super) fn find(&mut self, value: Value<'_>, wire_type: &str) -> usize {
        let [index, item_id] = value.pick(["output_index", "item_id"]);
        let (index, item_id, kind) = (index.count(), text(item_id), kind_of(wire_type));
        let entry = index.and_then(|index| self.at.get(&index).copied());
        let at = entry.flatten();
        let named = item_id.as_deref().and_then(|id| self.named.get(id).copied());
        let fitting =
            [at, named].map(|place| place.filter(|place| self.get(*place).is_some_and(|item| item.kind == kind)));
        let is_open = |place: &usize| self.get(*place).is_some_and(|item| !item.closed);
        if let Some(place) = fitting.into_iter().flatten().find(is_open).or(fitting.into_iter().flatten().next()) {
            return place;
        }
        if let Some(last) = self.last.get(&kind)
            && item_id.is_none()
            && (index.is_none() || entry == Some(None))
        {
            return *last;
        }
        self.create(wire_type, item_id, index)
    }

    /// A new item at that index and under that id.
    pub(super) fn create(&mut self, wire_type: &str, item_id: Option<Cow<'_, str>>, index: Option<u64>) -> usize {
        let place = self.all.len();
        let kind = kind_of(wire_type);
        let id = item_id.map(Cow::into_owned);
        self.last.insert(kind, place);
        self.typed.insert(wire_type.to_owned(), place);
        if let Some(id) = &id {
            self.named.insert(id.clone(), place);
        }
        if let Some(index) = index {
            let shared = match self.at.get(&index) {
                None => false,
                Some(None) => true,
                Some(Some(before)) => self.get(*before).is_some_and(|item| !item.closed),
            };
            self.at.insert(index, (!shared).then_some(place));
        }
        self.all.push(Item { wire_type: wire_type.to_owned(), kind, id, ..Item::default() });
        place
    }

    /// The item an added or done frame repeats: by id or call id, else the open one of its type at its index.
    pub(super) fn known(&self, raw: Value<'_>, wire_type: &str, index: Option<u64>) -> Option<usize> {
        self.same(raw, wire_type).or_else(|| {
            let place = index.and_then(|index| self.at.get(&index).copied()).flatten()?;
            let at = self.get(place)?;
            (at.wire_type == wire_type && !at.closed && at.may_be(raw)).then_some(place)
        })
    }

    /// The item with the same id or call id.
    pub(super) fn same(&self, raw: Value<'_>, wire_type: &str) -> Option<usize> {
        let place = raw.get("id").str().and_then(|id| self.named.get(&*id).copied());
        let place = place.filter(|place| self.get(*place).is_some_and(|item| item.wire_type == wire_type));
        place.or_else(|| (kind_of(wire_type) == Kind::Call).then(|| self.called(raw)).flatten())
    }

    /// The call whose call id is named.
    pub(super) fn called(&self, raw: Value<'_>) -> Option<usize> {
        raw.get("call_id").str().and_then(|call_id| self.calls.get(&*call_id).copied())
    }

    /// The latest item of a wire type.
    pub(super) fn last_of(&self, wire_type: &str) -> Option<usize> {
        self.typed.get(wire_type).copied()
    }

    /// Remembers the call id of the item at a place.
    pub(super) fn name_call(&mut self, place: usize, call_id: &str) {
        self.calls.entry(call_id.to_owned()).or_insert(place);
    }

    /// The final items beside those that were streamed: by id, else the next of the type that no id claims.
    ///
    /// Some hosts give other ids at the end, and such an item must not be given out twice. What is left over is new.
    pub(super) fn match_output<'a>(&mut self, output: Value<'a>) -> Vec<(Value<'a>, usize)> {
        let finals: Vec<_> = output.items().filter_map(|raw| text(raw.get("type")).map(|kind| (raw, kind))).collect();
        let found: Vec<_> = finals.iter().map(|(raw, wire_type)| self.same(*raw, wire_type)).collect();
        let mut free = self.unclaimed(&found.iter().flatten().copied().collect());
        let mut pairs = Vec::with_capacity(finals.len());
        for ((raw, wire_type), place) in finals.into_iter().zip(found) {
            let queue = free.get_mut(&*wire_type).filter(|_| text(raw.get("call_id")).is_none());
            let place = place.or_else(|| queue.and_then(VecDeque::pop_front));
            let place = place.unwrap_or_else(|| self.create(&wire_type, text(raw.get("id")), None));
            pairs.push((raw, place));
        }
        pairs
    }

    /// Items by type that have no call id and are not among those.
    fn unclaimed(&self, taken: &HashSet<usize>) -> HashMap<String, VecDeque<usize>> {
        let mut free: HashMap<String, VecDeque<usize>> = HashMap::new();
        for (place, item) in self.all.iter().enumerate() {
            if !taken.contains(&place) && (item.call_id.is_none() || item.call_id == item.id) {
                free.entry(item.wire_type.clone()).or_default().push_back(place);
            }
        }
        free
    }
}
