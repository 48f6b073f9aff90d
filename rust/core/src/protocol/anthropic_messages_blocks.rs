//! Content blocks of a Messages answer: text, thinking, tool calls, results of hosted tools, citations.
//!
//! Owns which wire index belongs to what. Source: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.
//!
//! Decided here:
//! - A delta of text, thinking or signature opens its block where none is open, late ones included: nothing is lost.
//!   Argument deltas without a call are ignored. A delta or stop without an index belongs to the last block begun.
//! - A block left open stays open until the end of the message; the same index begun again is a new block, unless it
//!   is the same call.
//! - Input given with the start of a call counts when no argument text follows.
//! - A call without arguments whose block is stopped waits for the next block or the end: where the answer was cut, the
//!   last block is stopped as well, and no arguments came may mean that none came yet.
//! - A hosted tool's result is its `content`, and the rest of the block is metadata, so that both make the block again.
//!   A redacted block is `redacted_data` in the metadata of its start.
//! - Blocks of other kinds (`compaction`, `fallback`, what is not known) are kept in the step's metadata as `blocks`:
//!   index, the block, and its deltas (those of a compaction are put in place); their frames are raw events.
//!
//! Twin of `runtimes/pure/protocol/anthropic_messages_blocks.py`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::json::{Json, Meta, Value, merge};
use crate::lifecycle::Out;
use crate::tools::{Opening, Tools};

const RESULT: &str = "_tool_result";
/// How many blocks and deltas of other kinds are kept.
const MAX_KEPT: usize = 1024;

/// What is open under an index; text and thinking are the lifecycle's.
#[derive(Debug)]
enum Held {
    Call(Call),
    /// A place in `kept`.
    Kept(usize),
}

/// A call whose end has not come; `given` is the input that came with its start.
#[derive(Debug)]
struct Call {
    slot: usize,
    id: String,
    given: Option<Json>,
}

/// A block of another kind.
#[derive(Debug)]
struct Kept {
    index: u64,
    block: Meta,
    deltas: Vec<Json>,
}

/// The blocks of one message.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) tools: Tools,
    kept: Vec<Kept>,
    open: HashMap<u64, Held>,
    /// A call that was stopped without arguments.
    blank: Option<u64>,
    /// Behind the index of the last block begun.
    next: u64,
    hosted: HashMap<String, String>,
    room: usize,
    provider: String,
}

impl Blocks {
    pub(super) fn new(provider: &str) -> Self {
        Self {
            tools: Tools::default(),
            kept: Vec::new(),
            open: HashMap::new(),
            blank: None,
            next: 0,
            hosted: HashMap::new(),
            room: MAX_KEPT,
            provider: provider.to_owned(),
        }
    }

    /// Blocks of other kinds, for the step's metadata.
    pub(super) fn take_kept(&mut self) -> Vec<Json> {
        std::mem::take(&mut self.kept).into_iter().map(Kept::into_json).collect()
    }

    // Handlers of frames, in wire order

    /// A block begins.
    pub(super) fn on_content_block_start(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let [index, block] = value.pick(["index", "content_block"]);
        if self.begin(index.count().unwrap_or(self.next), block, out) {
            out.unknown("content_block_start", value);
        }
    }

    /// More of a block.
    pub(super) fn on_content_block_delta(
        &mut self,
        index: Value<'_>,
        delta: Value<'_>,
        value: Value<'_>,
        out: &mut Out<'_>,
    ) {
        let index = index.count().unwrap_or_else(|| self.next.saturating_sub(1));
        let [kind, text] = delta.pick(["type", "text"]);
        match kind.str().as_deref() {
            Some("text_delta") => {
                if let Some(said) = text.text() {
                    out.text(index, said);
                    out.again(text);
                }
            }
            Some("input_json_delta") => self.on_input_json_delta(index, delta, value, out),
            Some("thinking_delta") => {
                let text = delta.get("thinking");
                if let Some(said) = text.text() {
                    out.reasoning(index, said);
                    out.again(text);
                }
            }
            Some("signature_delta") => self.on_signature_delta(index, delta.get("signature"), out),
            Some("citations_delta") => Self::on_citations_delta(index, delta.get("citation"), out),
            _ => self.on_other_delta(index, delta, value, out),
        }
    }

    /// A block is complete.
    pub(super) fn on_content_block_stop(&mut self, value: Value<'_>, out: &mut Out<'_>) {
        let index = value.get("index").count().unwrap_or_else(|| self.next.saturating_sub(1));
        self.stop(index, out);
    }

    // Handlers of blocks

    /// Text, mostly empty as yet.
    fn on_text(index: u64, block: Value<'_>, out: &mut Out<'_>) {
        out.open_text(index, None);
        let [text, citations] = block.pick(["text", "citations"]);
        if let Some(text) = text.text() {
            out.text(index, text);
        }
        for citation in citations.items() {
            Self::on_citations_delta(index, citation, out);
        }
    }

    /// Thinking, mostly empty as yet; it may be nothing but a signature.
    fn on_thinking(&mut self, index: u64, block: Value<'_>, out: &mut Out<'_>) {
        out.open_reasoning(index, None);
        let [text, signature] = block.pick(["thinking", "signature"]);
        if let Some(text) = text.text() {
            out.reasoning(index, text);
        }
        self.on_signature_delta(index, signature, out);
    }

    /// Thinking that only the provider can read.
    fn on_redacted_thinking(index: u64, block: Value<'_>, out: &mut Out<'_>) {
        let data = block.get("data").str().map_or(Json::Null, Json::str);
        out.open_reasoning(index, Some(vec![("redacted_data".to_owned(), data)]));
    }

    /// A call, for the caller to run or run by the provider.
    fn on_tool_use(&mut self, index: u64, kind: &str, block: Value<'_>, out: &mut Out<'_>) {
        let hosted = kind != "tool_use";
        let [id, name, given] = block.pick(["id", "name", "input"]);
        let (id, name) = (id.str().unwrap_or_default(), name.str().unwrap_or_default());
        let taken: &[&str] = if hosted { &["id", "name", "input"] } else { &["id", "name", "input", "type"] };
        let metadata = Some(rest(block, taken)).filter(|metadata| !metadata.is_empty());
        let opening =
            Opening { id: Some(&id), name: Some(&name), provider_executed: hosted, metadata, ..Opening::default() };
        let slot = self.tools.open(opening, out);
        let given = Some(given).filter(|given| !is_blank(*given)).map(|given| given.to_json());
        if hosted && !id.is_empty() && !name.is_empty() {
            self.hosted.insert(id.clone().into_owned(), name.into_owned());
        }
        self.open.insert(index, Held::Call(Call { slot, id: id.into_owned(), given }));
    }

    /// The result of a hosted tool, whole.
    fn on_tool_result(&mut self, kind: &str, block: Value<'_>, out: &mut Out<'_>) {
        let [id, content, failed] = block.pick(["tool_use_id", "content", "is_error"]);
        let id = id.str().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| Cow::Owned(out.new_id("result")));
        let name = self.hosted.get(id.as_ref()).map_or(kind.strip_suffix(RESULT).unwrap_or(kind), String::as_str);
        let says_so = content.get("type").str().is_some_and(|kind| kind.ends_with("_error"));
        let metadata = rest(block, &["content", "tool_use_id"]);
        out.tool_result(&id, name, &content.to_json(), says_so || failed.bool() == Some(true), Some(metadata));
    }

    /// A block of another kind. After a fallback another model speaks.
    fn on_other_block(&mut self, index: u64, kind: &str, block: Value<'_>, out: &mut Out<'_>) {
        if kind == "fallback"
            && let Some(model) = block.get("to").get("model").str().filter(|model| !model.is_empty())
        {
            out.life.model = Some(model.into_owned());
        }
        if self.has_room(out) {
            self.kept.push(Kept { index, block: members(block), deltas: Vec::new() });
            self.open.insert(index, Held::Kept(self.kept.len() - 1));
        }
    }

    // Handlers of deltas

    /// Argument text.
    fn on_input_json_delta(&mut self, index: u64, delta: Value<'_>, value: Value<'_>, out: &mut Out<'_>) {
        match self.open.get(&index) {
            Some(Held::Kept(_)) => self.on_other_delta(index, delta, value, out),
            Some(Held::Call(call)) => {
                if let Some(text) = delta.get("partial_json").text() {
                    self.tools.delta(call.slot, text, out);
                }
            }
            None => {}
        }
    }

    /// The signature of a thinking block; the last one wins.
    fn on_signature_delta(&mut self, index: u64, said: Value<'_>, out: &mut Out<'_>) {
        if let Some(signature) = said.str().filter(|signature| !signature.is_empty()) {
            out.open_reasoning(index, None);
            out.sign(signature);
            out.annotate(vec![("issuer".to_owned(), Json::str(self.provider.as_str()))]);
        }
    }

    /// A source of the text.
    fn on_citations_delta(index: u64, citation: Value<'_>, out: &mut Out<'_>) {
        let metadata = members(citation);
        if metadata.is_empty() {
            return;
        }
        if !out.is_open(index) {
            out.open_text(index, None);
        }
        let keys = ["url", "source", "title", "document_title", "cited_text"];
        let [url, source, title, document_title, text] = citation.pick(keys).map(|said| said.str());
        let url = url.filter(|url| !url.is_empty()).or(source);
        let title = title.filter(|title| !title.is_empty()).or(document_title);
        out.citation(url.as_deref(), title.as_deref(), text.as_deref(), Some(metadata));
    }

    /// A delta of another kind, unless it says nothing.
    fn on_other_delta(&mut self, index: u64, delta: Value<'_>, value: Value<'_>, out: &mut Out<'_>) {
        if delta.members().next().is_none() {
            return;
        }
        if let Some(Held::Kept(place)) = self.open.get(&index) {
            let place = *place;
            if delta.get("type").str().is_some_and(|kind| kind == "compaction_delta") {
                if let Some(kept) = self.kept.get_mut(place) {
                    merge(&mut kept.block, rest(delta, &["type"]));
                }
            } else if self.has_room(out)
                && let Some(kept) = self.kept.get_mut(place)
            {
                kept.deltas.push(delta.to_json());
            }
        }
        out.unknown("content_block_delta", value);
    }

    // Whole blocks, and what is open at the end

    /// A block that came complete.
    pub(super) fn whole(&mut self, block: Value<'_>, out: &mut Out<'_>) {
        let index = self.next;
        if self.begin(index, block, out) {
            out.unknown("content_block", block);
        }
        self.stop(index, out);
    }

    /// Ends what is open, in order of opening. `cut`: calls without their end are not complete.
    pub(super) fn settle(&mut self, cut: bool, out: &mut Out<'_>) {
        let mut calls: Vec<Call> = self.open.drain().filter_map(|(_, held)| held.into_call()).collect();
        calls.sort_unstable_by_key(|call| call.slot);
        let mut given = HashSet::new();
        for call in calls {
            if let Some(input) = call.given.as_ref().filter(|_| self.tools.is_blank(call.slot)) {
                self.tools.delta(call.slot, input.dump().into(), out);
                given.insert(call.slot);
            }
        }
        self.tools.settle(|slot| cut && !given.contains(&slot), out);
    }

    /// Opens what the block is; whether it is of another kind.
    fn begin(&mut self, index: u64, block: Value<'_>, out: &mut Out<'_>) -> bool {
        self.next = index + 1;
        let [kind, id] = block.pick(["type", "id"]);
        if let Some(Held::Call(call)) = self.open.get(&index)
            && !call.id.is_empty()
            && id.str().is_some_and(|id| id == call.id)
        {
            return false;
        }
        if let Some(blank) = self.blank.take() {
            self.end(blank, out);
        }
        self.open.remove(&index);
        out.close(index);
        let kind = kind.str().unwrap_or_default();
        match kind.as_ref() {
            "text" => Self::on_text(index, block, out),
            "thinking" => self.on_thinking(index, block, out),
            "redacted_thinking" => Self::on_redacted_thinking(index, block, out),
            "tool_use" | "server_tool_use" | "mcp_tool_use" => self.on_tool_use(index, &kind, block, out),
            result if result.ends_with(RESULT) => self.on_tool_result(result, block, out),
            other => {
                self.on_other_block(index, other, block, out);
                return true;
            }
        }
        false
    }

    fn stop(&mut self, index: u64, out: &mut Out<'_>) {
        if let Some(Held::Call(call)) = self.open.get(&index)
            && call.given.is_none()
            && self.tools.is_blank(call.slot)
        {
            self.blank = Some(index);
        } else {
            self.end(index, out);
        }
    }

    fn end(&mut self, index: u64, out: &mut Out<'_>) {
        if let Some(Held::Call(call)) = self.open.remove(&index) {
            match &call.given {
                Some(given) if self.tools.is_blank(call.slot) => {
                    self.tools.delta(call.slot, given.dump().into(), out);
                    self.tools.close_value(call.slot, given, out);
                }
                _ => self.tools.close(call.slot, out),
            }
        }
        out.close(index);
    }

    fn has_room(&mut self, out: &mut Out<'_>) -> bool {
        if self.room == 0 {
            out.warn("content of unknown kinds was not kept whole");
            return false;
        }
        self.room -= 1;
        true
    }
}

impl Held {
    fn into_call(self) -> Option<Call> {
        match self {
            Self::Call(call) => Some(call),
            Self::Kept(_) => None,
        }
    }
}

impl Kept {
    fn into_json(self) -> Json {
        let mut members =
            vec![("index".to_owned(), Json::int(self.index)), ("block".to_owned(), Json::Object(self.block))];
        if !self.deltas.is_empty() {
            members.push(("deltas".to_owned(), Json::Array(self.deltas)));
        }
        Json::Object(members)
    }
}

/// Whether it is no input at all: missing, empty text, an empty object.
fn is_blank(given: Value<'_>) -> bool {
    given.is_null()
        || given.str().is_some_and(|text| text.is_empty())
        || (given.is_object() && given.members().next().is_none())
}

/// The members that are not null and not taken elsewhere.
pub(super) fn rest(value: Value<'_>, taken: &[&str]) -> Meta {
    let mut members = Meta::new();
    let left = value.members().filter(|(name, _)| !taken.contains(&name.as_ref()));
    merge(&mut members, left.map(|(name, said)| (name.into_owned(), said.to_json())).collect());
    members.retain(|(_, said)| *said != Json::Null);
    members
}

/// All members.
fn members(value: Value<'_>) -> Meta {
    let mut members = Meta::new();
    merge(&mut members, value.to_meta());
    members
}
