//! Blocks of Bedrock's answers beside text, reasoning and calls: results of tools it ran, media, citations.
//!
//! Owns what is collected until it is whole.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolResultBlockDelta.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlockDelta.html>
//! Twin of `runtimes/pure/protocol/bedrock_converse_blocks.py`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::json::{Json, Meta, Value};
use crate::lifecycle::Out;
use crate::tools::Tools;

/// Kinds of media in a document.
pub(crate) const KINDS: [&str; 3] = ["audio", "image", "video"];
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Results of tools that Bedrock runs: a list of content blocks, whose text may come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Results {
    issuer: String,
    calls: HashMap<String, usize>,
    open: BTreeMap<u64, Collected>,
}

impl Results {
    pub(crate) fn new(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), ..Self::default() }
    }

    /// A call was seen whose result will come.
    pub(crate) fn expect(&mut self, id: &str, slot: usize) {
        self.calls.insert(id.to_owned(), slot);
    }

    /// The start of a result says whose it is.
    pub(crate) fn start(&mut self, index: u64, result: Value<'_>) {
        self.open.insert(index, Collected::new(result));
    }

    /// More content of a result.
    pub(crate) fn add(&mut self, index: u64, part: Value<'_>) {
        if part.is_object() {
            self.open.entry(index).or_default().add(part);
        }
    }

    /// Gives out the result with this index, if there is one.
    pub(crate) fn stop(&mut self, index: u64, tools: &Tools, out: &mut Out<'_>) {
        let Some(mut result) = self.open.remove(&index) else { return };
        let slot = self.calls.get(&result.id);
        let failed = result.status == "error";
        let (kind, status) = (std::mem::take(&mut result.kind), std::mem::take(&mut result.status));
        let said = [("type", kind), ("status", status), ("issuer", self.issuer.clone())];
        let said = said.into_iter().filter(|(name, text)| *name == "issuer" || !text.is_empty());
        let metadata = Some(said.map(|(name, text)| (name.to_owned(), Json::String(text))).collect());
        if let Some(slot) = slot.filter(|_| !result.id.is_empty()) {
            let (id, name) = tools.identity(*slot);
            out.tool_result(id, name, &result.content(), failed, metadata);
            return;
        }
        out.warn("a tool result without its call");
        let id = if result.id.is_empty() { out.new_id("call") } else { std::mem::take(&mut result.id) };
        out.tool_result(&id, "", &result.content(), failed, metadata);
    }

    /// Gives out the results that had no end of their own.
    pub(crate) fn end(&mut self, tools: &Tools, out: &mut Out<'_>) {
        while let Some(index) = self.open.keys().next().copied() {
            self.stop(index, tools, out);
        }
    }
}

#[derive(Debug, Default)]
struct Collected {
    id: String,
    kind: String,
    status: String,
    content: Vec<Json>,
    text: Option<String>,
}

impl Collected {
    fn new(result: Value<'_>) -> Self {
        let [id, kind, status] = result.pick(["toolUseId", "type", "status"]).map(|value| value.str());
        Self {
            id: id.unwrap_or_default().into_owned(),
            kind: kind.unwrap_or_default().into_owned(),
            status: status.unwrap_or_default().into_owned(),
            ..Self::default()
        }
    }

    fn add(&mut self, part: Value<'_>) {
        if let Some(text) = part.get("text").str() {
            self.text.get_or_insert_default().push_str(&text);
        } else {
            self.flush();
            self.content.push(part.to_json());
        }
    }

    fn content(mut self) -> Json {
        self.flush();
        Json::Array(self.content)
    }

    fn flush(&mut self) {
        if let Some(text) = self.text.take() {
            self.content.push(Json::Object(vec![("text".to_owned(), Json::String(text))]));
        }
    }
}

/// Images that come in pieces of base64; one that ends in padding ends an image.
#[derive(Debug, Default)]
pub(crate) struct Media {
    open: BTreeMap<u64, (String, String)>,
}

impl Media {
    /// The start says the format.
    pub(crate) fn start(&mut self, index: u64, image: Value<'_>) {
        self.open.insert(index, (mime_type("image", image), String::new()));
    }

    /// More of the data, or that it failed.
    pub(crate) fn add(&mut self, index: u64, image: Value<'_>, out: &mut Out<'_>) {
        let [error, source] = image.pick(["error", "source"]);
        if error.is_object() {
            out.warn("the provider reported an error in generated media");
            out.unknown("image", image);
        }
        let (mime_type, pieces) = self.open.entry(index).or_insert_with(|| (UNKNOWN_TYPE.to_owned(), String::new()));
        let data = source.get("bytes").str().unwrap_or_default();
        pieces.push_str(&data);
        if data.ends_with('=') {
            give(mime_type, pieces, out);
        }
    }

    /// Gives out what is left of the image with this index.
    pub(crate) fn stop(&mut self, index: u64, out: &mut Out<'_>) {
        if let Some((mime_type, mut pieces)) = self.open.remove(&index) {
            give(&mime_type, &mut pieces, out);
        }
    }

    /// Gives out the images that had no end of their own.
    pub(crate) fn end(&mut self, out: &mut Out<'_>) {
        while let Some(index) = self.open.keys().next().copied() {
            self.stop(index, out);
        }
    }
}

fn give(mime_type: &str, pieces: &mut String, out: &mut Out<'_>) {
    if !pieces.is_empty() {
        let id = out.new_id("media");
        out.media(&id, mime_type, Some(pieces), None, None);
        pieces.clear();
    }
}

/// Gives out a whole block of media; false where it is none.
pub(crate) fn give_media(kind: &str, block: Value<'_>, out: &mut Out<'_>) -> bool {
    let [data, location] = block.get("source").pick(["bytes", "s3Location"]);
    let text = |value: Value<'_>| value.str().filter(|text| !text.is_empty()).map(Cow::into_owned);
    let (data, url) = (text(data), text(location.get("uri")));
    if data.is_none() && url.is_none() {
        return false;
    }
    out.close_block();
    let id = out.new_id("media");
    out.media(&id, &mime_type(kind, block), data.as_deref(), url.as_deref(), None);
    true
}

fn mime_type(kind: &str, block: Value<'_>) -> String {
    match block.get("format").str() {
        Some(name) if !name.is_empty() => format!("{kind}/{name}"),
        _ => UNKNOWN_TYPE.to_owned(),
    }
}

/// A source of the text block of that index, which may come before the text.
pub(crate) fn on_citation(index: u64, citation: Value<'_>, out: &mut Out<'_>) {
    out.open_text(index, None);
    let [location, title, parts] = citation.pick(["location", "title", "sourceContent"]);
    let url = location.get("web").get("url").str();
    let text: String = parts.items().filter_map(|part| part.get("text").str()).collect();
    let text = Some(text.as_str()).filter(|text| !text.is_empty());
    out.citation(url.as_deref(), title.str().as_deref(), text, Some(members(citation)));
}

/// A whole block of text with its sources.
pub(crate) fn cite(index: u64, content: Value<'_>, out: &mut Out<'_>) {
    for part in content.get("content").items() {
        if let Some(text) = part.get("text").text() {
            out.text(index, text);
        }
    }
    for citation in content.get("citations").items() {
        if citation.is_object() {
            on_citation(index, citation, out);
        }
    }
}

fn members(value: Value<'_>) -> Meta {
    match value.to_json() {
        Json::Object(members) => members,
        _ => Meta::new(),
    }
}
