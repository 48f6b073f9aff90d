//! Citations of Google's answers: grounding, recitation and fetched addresses.
//!
//! Owns what of these becomes a `citation` event. They are given out at the end, because grounding is repeated and grows
//! while the answer streams. The grounding itself goes to the step's metadata, where its search entry point must be
//! shown from; a citation says by index which chunk it stands for.
//!
//! Sources: <https://ai.google.dev/api/generate-content#GroundingMetadata>, and there `CitationMetadata`,
//! `UrlContextMetadata`.
//! Twin of `runtimes/pure/protocol/google_sources.py`.

use std::collections::{BTreeMap, HashSet};

use crate::json::{Json, Meta, Value, merge};
use crate::lifecycle::Out;

/// Characters that all citations of a step may have: supports can point to the same long chunk any number of times.
const ROOM: usize = 1 << 20;

/// What was cited so far.
#[derive(Debug)]
pub(crate) struct GoogleSources {
    grounding: BTreeMap<u64, Meta>,
    listed: Vec<(&'static str, Json)>,
    known: HashSet<String>,
    room: usize,
}

impl Default for GoogleSources {
    fn default() -> Self {
        Self { grounding: BTreeMap::new(), listed: Vec::new(), known: HashSet::new(), room: ROOM }
    }
}

impl GoogleSources {
    /// The sources that a candidate names: of grounding the last value of each field, of the others each once.
    pub(crate) fn on_candidate(&mut self, index: u64, grounding: Value<'_>, cited: Value<'_>, fetched: Value<'_>) {
        if grounding.members().next().is_some() {
            merge(self.grounding.entry(index).or_default(), grounding.to_meta());
        }
        let [sources, citations] = cited.pick(["citationSources", "citations"]);
        for source in sources.items().chain(citations.items()) {
            self.list("uri", source);
        }
        for source in fetched.get("urlMetadata").items() {
            self.list("retrievedUrl", source);
        }
    }

    fn list(&mut self, field: &'static str, source: Value<'_>) {
        if source.is_object() {
            let source = source.to_json();
            if self.known.insert(source.dump()) {
                self.listed.push((field, source));
            }
        }
    }

    /// Gives the citations out.
    pub(crate) fn end(&mut self, out: &mut Out<'_>) {
        for (index, grounding) in std::mem::take(&mut self.grounding) {
            let name = if index == 0 { String::new() } else { format!("candidates.{index}.") } + "groundingMetadata";
            let grounding = Json::Object(grounding);
            self.ground(&grounding, out);
            out.note(vec![(name, grounding)]);
        }
        for (field, source) in std::mem::take(&mut self.listed) {
            let Json::Object(members) = &source else { continue };
            out.citation(text(&source, field), text(&source, "title"), None, Some(members.clone()));
        }
    }

    /// A citation for every support and chunk that belong together, then for the chunks without support.
    fn ground(&mut self, grounding: &Json, out: &mut Out<'_>) {
        let chunks: Vec<_> = items(grounding, "groundingChunks").iter().map(chunk).collect();
        let mut used = vec![false; chunks.len()];
        for support in items(grounding, "groundingSupports") {
            let segment = support.get("segment");
            for number in items(support, "groundingChunkIndices") {
                let place = number.count().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
                if let (Some(chunk), Some(used)) = (chunks.get(place), used.get_mut(place)) {
                    *used = true;
                    if !self.cite(place, *chunk, segment, out) {
                        return;
                    }
                }
            }
        }
        for (place, (chunk, used)) in chunks.into_iter().zip(used).enumerate() {
            if !used && !self.cite(place, chunk, None, out) {
                return;
            }
        }
    }

    fn cite(&mut self, place: usize, chunk: Chunk<'_>, segment: Option<&Json>, out: &mut Out<'_>) -> bool {
        let (url, title) = chunk;
        let text = segment.and_then(|segment| text(segment, "text"));
        let size = |text: Option<&str>| text.map_or(0, |text| text.chars().count());
        let Some(room) = self.room.checked_sub(size(url) + size(title) + size(text) + 1) else {
            self.room = 0;
            out.warn("more grounding than can be given out as citations");
            return false;
        };
        self.room = room;
        let mut metadata = vec![("chunk".to_owned(), Json::int(place as u64))];
        for name in ["partIndex", "startIndex", "endIndex"] {
            if let Some(count) = segment.and_then(|segment| segment.get(name)?.count()) {
                metadata.push((name.to_owned(), Json::int(count)));
            }
        }
        out.citation(url, title, text, Some(metadata));
        true
    }
}

/// Address and title.
type Chunk<'a> = (Option<&'a str>, Option<&'a str>);

/// Address and title of a grounding chunk, whatever its kind.
fn chunk(value: &Json) -> Chunk<'_> {
    let kinds = ["web", "retrievedContext", "maps", "image"];
    let source = kinds.into_iter().filter_map(|kind| value.get(kind)).find(|source| matches!(source, Json::Object(_)));
    source.map_or((None, None), |source| (text(source, "uri"), text(source, "title")))
}

fn text<'a>(value: &'a Json, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn items<'a>(value: &'a Json, name: &str) -> &'a [Json] {
    value.get(name).map_or(&[], Json::items)
}
