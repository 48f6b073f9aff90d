//! Text and reasoning of the `OpenAI` Responses format: parts of items as blocks.
//!
//! Owns which part opens which block, what its metadata says, and that no text is given out twice: a part that streamed
//! takes nothing from its done frame, a part that is done or whose item is closed takes nothing at all.
//! Twin of `runtimes/pure/protocol/openai_responses_blocks.py`.

use super::openai_responses_items::{Item, Items, Sort};
use crate::json::{Json, Meta, Text, Value, merge};
use crate::lifecycle::Out;

// Text

/// A delta of a text part; gives the key of its block where it was taken.
pub(super) fn add_text(
    item: &mut Item,
    place: (Sort, u64),
    text: Text<'_>,
    items: &mut Items,
    out: &mut Out<'_>,
) -> Option<u64> {
    let part = items.part(item, place.0, place.1);
    let (key, done) = (part.key, part.done);
    if item.closed || done || text.is_empty() {
        return None;
    }
    if !out.is_open(key) {
        out.open_text(key, start_metadata(item, place.0 == Sort::Refusal));
    }
    items.part(item, place.0, place.1).streamed = true;
    out.text(key, text);
    Some(key)
}

/// The whole text of a part, which counts where no delta came.
pub(super) fn whole_text(item: &mut Item, place: (Sort, u64), text: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
    if let Some(text) = text.text()
        && !items.part(item, place.0, place.1).streamed
    {
        add_text(item, place, text, items, out);
    }
    let part = items.part(item, place.0, place.1);
    part.done |= part.streamed;
}

/// A citation of the text block that is open or was last.
pub(super) fn cite(annotation: Value<'_>, out: &mut Out<'_>) {
    let [url, title, name, text] = annotation.pick(["url", "title", "filename", "content"]);
    let title = title.str().filter(|title| !title.is_empty()).or_else(|| name.str());
    if annotation.members().next().is_some() {
        let mut metadata = Meta::new();
        merge(&mut metadata, annotation.to_meta());
        out.citation(url.str().as_deref(), title.as_deref(), text.str().as_deref(), Some(metadata));
    }
}

/// The message is complete: parts that never came, citations that never came, and its end.
pub(super) fn finish_message(item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
    for (index, one) in (0..).zip(raw.get("content").items()) {
        let [kind, text, refusal, annotations] = one.pick(["type", "text", "refusal", "annotations"]);
        let (kind, text) = match kind.str().as_deref() {
            Some("output_text") => (Sort::Text, text),
            Some("refusal") => (Sort::Refusal, refusal),
            _ => continue,
        };
        whole_text(item, (kind, index), text, items, out);
        let cited = usize::try_from(items.part(item, kind, index).cited).unwrap_or(usize::MAX);
        for annotation in annotations.items().skip(cited) {
            cite(annotation, out);
        }
    }
    close(item, out);
}

// Reasoning

/// Opens the block of an item that has no part yet: thinking is seen before there is text of it.
pub(super) fn open_reasoning(item: &mut Item, items: &mut Items, out: &mut Out<'_>) {
    let key = *item.key.get_or_insert_with(|| items.new_key());
    out.open_reasoning(key, start_metadata(item, false));
}

/// A delta of a part of reasoning; whether it was taken.
pub(super) fn add_reasoning(
    item: &mut Item,
    place: (Sort, u64),
    text: Text<'_>,
    items: &mut Items,
    out: &mut Out<'_>,
) -> bool {
    let part = items.part(item, place.0, place.1);
    let (key, done, streamed) = (part.key, part.done, part.streamed);
    if item.closed || done || text.is_empty() {
        return false;
    }
    if !streamed || !out.is_open(key) {
        out.open_reasoning(key, start_metadata(item, false));
        out.annotate(vec![("part".to_owned(), Json::str(place.0.as_str()))]);
    }
    item.key = Some(key);
    items.part(item, place.0, place.1).streamed = true;
    out.reasoning(key, text);
    true
}

/// The whole text of a part, which counts where no delta came.
pub(super) fn whole_reasoning(
    item: &mut Item,
    place: (Sort, u64),
    text: Value<'_>,
    items: &mut Items,
    out: &mut Out<'_>,
) {
    if let Some(text) = text.text()
        && !items.part(item, place.0, place.1).streamed
    {
        add_reasoning(item, place, text, items, out);
    }
    let part = items.part(item, place.0, place.1);
    part.done |= part.streamed;
}

/// The item is complete: parts that never came, the ciphertext, and its end.
pub(super) fn finish_reasoning(item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
    for (field, kind) in [("summary", Sort::Summary), ("content", Sort::Reasoning)] {
        for (index, one) in (0..).zip(raw.get(field).items()) {
            let [said, text] = one.pick(["type", "text"]);
            if said.str().is_some_and(|said| said == kind.as_str()) {
                whole_reasoning(item, (kind, index), text, items, out);
            }
        }
    }
    if item.key.is_none_or(|key| item.encrypted.is_some() && !out.is_open(key)) {
        item.key = Some(items.new_key());
        open_reasoning(item, items, out);
    }
    if let Some(encrypted) = &item.encrypted {
        out.annotate(vec![("encrypted_content".to_owned(), Json::str(encrypted.as_str()))]);
    }
    close(item, out);
}

/// An item that only the provider understands, kept whole for replay.
pub(super) fn finish_opaque(item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
    let key = items.new_key();
    item.key = Some(key);
    let mut metadata = start_metadata(item, false).unwrap_or_default();
    metadata.push(("item".to_owned(), raw.to_json()));
    out.open_reasoning(key, Some(metadata));
    close(item, out);
}

fn start_metadata(item: &mut Item, refusal: bool) -> Option<Meta> {
    let mut metadata = Meta::new();
    if let Some(id) = &item.id {
        metadata.push(("item_id".to_owned(), Json::str(id.as_str())));
    }
    if let Some(phase) = &item.phase {
        metadata.push(("phase".to_owned(), Json::str(phase.as_str())));
        item.phase_said = true;
    }
    if refusal {
        metadata.push(("refusal".to_owned(), Json::Bool(true)));
    }
    (!metadata.is_empty()).then_some(metadata)
}

/// Closes the item's open block; a phase that came late is said at its end.
fn close(item: &mut Item, out: &mut Out<'_>) {
    for key in item.key.into_iter().chain(item.parts.values().map(|part| part.key)) {
        if out.is_open(key) {
            if let Some(phase) = item.phase.as_deref().filter(|_| !item.phase_said) {
                out.annotate(vec![("phase".to_owned(), Json::str(phase))]);
            }
            out.close(key);
        }
    }
    item.closed = true;
    item.parts.clear();
}
