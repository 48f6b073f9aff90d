//! What some chat hosts put beside text and calls: media, citations, tools that the host ran.
//!
//! Owns their spellings. Sources and rules stand at the twin, `runtimes/pure/protocol/openai_chat_extras.py`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::json::{Json, Meta, Value, merge};
use crate::lifecycle::Out;
use crate::tools::{Opening, Tools};

use super::openai_chat_state::meta;
use super::openai_chat_tools::argument_text;

pub(super) fn on_images<'v>(images: impl Iterator<Item = Value<'v>>, out: &mut Out<'_>) {
    for image in images {
        let holder = image.get("image_url");
        let url = if holder.is_object() { holder.get("url") } else { holder };
        let Some(url) = url.str().filter(|url| !url.is_empty()) else { continue };
        let id = out.new_id("media");
        match data_url(&url) {
            Some((mime_type, data)) => {
                let mime_type = if mime_type.is_empty() { "image/*" } else { mime_type };
                out.media(&id, mime_type, Some(data), None, None);
            }
            None => out.media(&id, "image/*", None, Some(&url), None),
        }
    }
}

const REPLAYED: [&str; 2] = ["id", "expires_at"];

/// What `Out::citation` is given.
#[derive(Debug)]
struct Source {
    url: Option<String>,
    title: Option<String>,
    text: Option<String>,
    metadata: Option<Meta>,
}

/// What was given out already.
#[derive(Debug, Default)]
pub(super) struct Extras {
    spoken: bool,
    waiting: Vec<Source>,
    cited: HashSet<String>,
    /// Whether a call of the host was answered, by its index.
    executed: HashMap<u64, bool>,
    audio: Meta,
}

impl Extras {
    pub(super) fn on_audio(&mut self, audio: Value<'_>, out: &mut Out<'_>) {
        if let Some(data) = audio.get("data").str().filter(|data| !data.is_empty()) {
            let id = out.new_id("media");
            out.media(&id, "audio/*", Some(&data), None, None);
        }
        let said = REPLAYED.into_iter().zip(audio.pick(REPLAYED)).filter(|(_, value)| !value.is_null());
        merge(&mut self.audio, said.map(|(key, value)| (key.to_owned(), value.to_json())).collect());
        if !self.audio.is_empty() {
            out.note(vec![("audio".to_owned(), Json::Object(self.audio.clone()))]);
        }
    }

    pub(super) fn on_annotations(&mut self, annotations: Value<'_>, out: &mut Out<'_>) {
        for annotation in annotations.items().filter(Value::is_object) {
            let kind = annotation.get("type").str().unwrap_or_default();
            let inner = annotation.get(&kind);
            let said = if inner.is_object() { inner } else { annotation };
            let [url, title, name, text] = said.pick(["url", "title", "name", "content"]).map(|value| value.str());
            let title = title.filter(|title| !title.is_empty()).or(name);
            self.cite(url, title, text, Some(meta(annotation)), out);
        }
    }

    pub(super) fn on_sources(&mut self, results: Value<'_>, citations: Value<'_>, out: &mut Out<'_>) {
        for source in results.items().chain(citations.items()) {
            let [url, title, text] = source.pick(["url", "title", "snippet"]).map(|value| value.str());
            let Some(url) = source.str().or(url).filter(|url| !url.is_empty()) else { continue };
            if !self.cited.contains(url.as_ref()) {
                self.cited.insert(url.to_string());
                let metadata = Some(meta(source)).filter(|metadata| !metadata.is_empty());
                self.cite(Some(url), title, text, metadata, out);
            }
        }
    }

    pub(super) fn on_executed_tools(&mut self, executed: Value<'_>, tools: &mut Tools, out: &mut Out<'_>) {
        for (place, item) in executed.items().enumerate() {
            if item.is_object() {
                let index = item.get("index").count().unwrap_or(place as u64);
                self.on_executed_tool(index, item, tools, out);
            }
        }
    }

    fn on_executed_tool(&mut self, index: u64, item: Value<'_>, tools: &mut Tools, out: &mut Out<'_>) {
        let [name, kind, arguments, output] = item.pick(["name", "type", "arguments", "output"]);
        let named = [name, kind].into_iter().filter_map(|value| value.str()).find(|name| !name.is_empty());
        let name = named.unwrap_or(Cow::Borrowed("tool"));
        let id = format!("executed-{index}");
        let answered = self.executed.entry(index).or_insert_with(|| {
            let opening = Opening { id: Some(&id), name: Some(&name), provider_executed: true, ..Opening::default() };
            let slot = tools.open(opening, out);
            tools.delta(slot, argument_text(arguments), out);
            tools.close(slot, out);
            false
        });
        if !*answered && !output.is_null() {
            let mut result = meta(item);
            result.retain(|(name, _)| !matches!(name.as_str(), "index" | "type" | "arguments"));
            out.tool_result(&id, &name, &Json::Object(result), false, None);
            *answered = true;
        }
    }

    /// A citation, now or when there is text.
    pub(super) fn cite(
        &mut self,
        url: Option<Cow<'_, str>>,
        title: Option<Cow<'_, str>>,
        text: Option<Cow<'_, str>>,
        metadata: Option<Meta>,
        out: &mut Out<'_>,
    ) {
        if self.spoken {
            out.citation(url.as_deref(), title.as_deref(), text.as_deref(), metadata);
        } else {
            let [url, title, text] = [url, title, text].map(|said| said.map(Cow::into_owned));
            self.waiting.push(Source { url, title, text, metadata });
        }
    }

    /// There is text, or there will be none: what waited for it comes now.
    pub(super) fn speak(&mut self, out: &mut Out<'_>) {
        self.spoken = true;
        for source in self.waiting.drain(..) {
            out.citation(source.url.as_deref(), source.title.as_deref(), source.text.as_deref(), source.metadata);
        }
    }
}

/// Type and base64 text of a data URL; `None` for anything else.
fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.split_once(',').filter(|(_, data)| !data.is_empty())?;
    let kind = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    Some((kind.split(';').next().unwrap_or_default(), data))
}
