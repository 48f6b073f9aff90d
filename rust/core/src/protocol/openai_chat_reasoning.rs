//! Reasoning in chat completions: every spelling of it, and what must be sent back.
//!
//! Owns the field spellings, the list of `reasoning_details` and which of both is shown. Sources and rules stand at the
//! twin, `runtimes/pure/protocol/openai_chat_reasoning.py`.

use crate::json::{Json, Meta, Text, Value, merge};
use crate::lifecycle::Out;

use super::openai_chat_state::{Place, meta};

pub(super) const FIELDS: [&str; 3] = ["reasoning_content", "reasoning", "reasoning_text"];
/// An entry has a handful of them; joining stays linear whatever is sent.
const MAX_MEMBERS: usize = 64;
const IDENTITY: [&str; 3] = ["id", "index", "format"];

fn shown(kind: &str) -> Option<&'static str> {
    match kind {
        "reasoning.text" => Some("text"),
        "reasoning.summary" => Some("summary"),
        _ => None,
    }
}

/// One entry: its members without the streamed text, and that.
#[derive(Debug)]
struct Detail {
    kind: String,
    members: Meta,
    text: Option<String>,
    half: Option<u16>,
}

impl Detail {
    fn new(kind: &str, members: Meta, piece: Option<Text<'_>>) -> Self {
        let mut detail = Self { kind: kind.to_owned(), members, text: None, half: None };
        detail.push(piece);
        detail
    }

    fn push(&mut self, piece: Option<Text<'_>>) {
        if let Some(piece) = piece {
            let piece = piece.join(&mut self.half);
            self.text.get_or_insert_default().push_str(&piece);
        }
    }

    /// Whether members are of the same entry.
    fn is_same(&self, members: &Meta) -> bool {
        let same_identity = IDENTITY.iter().all(|key| match (member(&self.members, key), member(members, key)) {
            (None | Some(Json::Null), _) | (_, None | Some(Json::Null)) => true,
            (Some(mine), Some(other)) => mine == other || mine.dump() == other.dump(),
        });
        same_identity
            && self.members.len() + members.len() <= MAX_MEMBERS
            && match (member(&self.members, "signature"), member(members, "signature")) {
                (Some(Json::String(mine)), Some(Json::String(other))) => {
                    mine.is_empty() || other.is_empty() || mine == other
                }
                _ => true,
            }
    }

    /// Takes more of the same entry.
    fn join(&mut self, members: Meta, piece: Option<Text<'_>>) {
        let said = members.into_iter().filter(|(_, value)| !matches!(value, Json::Null) && *value != Json::str(""));
        merge(&mut self.members, said.collect());
        self.push(piece);
    }

    /// The entry as one object.
    fn whole(mut self) -> Json {
        if let (Some(mut text), Some(name)) = (self.text, shown(&self.kind)) {
            if self.half.is_some() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
            self.members.push((name.to_owned(), Json::String(text)));
        }
        Json::Object(self.members)
    }
}

fn member<'m>(members: &'m Meta, key: &str) -> Option<&'m Json> {
    members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// The reasoning block that is open, in whichever choice; there is never more than one.
#[derive(Debug, Default)]
pub(super) struct Reasoning {
    field: Option<&'static str>,
    details: Vec<Detail>,
}

impl Reasoning {
    pub(super) fn on_reasoning(&mut self, place: Place, delta: Value<'_>, out: &mut Out<'_>) {
        let mut silent = true;
        for (field, value) in FIELDS.into_iter().zip(delta.pick(FIELDS)) {
            if let Some(text) = value.text().filter(|text| !text.is_empty()) {
                self.say(place, text, field, out);
                silent = false;
                break;
            }
        }
        let details = delta.get("reasoning_details");
        if details.is_array() {
            self.on_reasoning_details(place, details, silent, out);
        }
    }

    fn on_reasoning_details(&mut self, place: Place, details: Value<'_>, silent: bool, out: &mut Out<'_>) {
        for detail in details.items().filter(Value::is_object) {
            let [kind, signature] = detail.pick(["type", "signature"]).map(|value| value.str().unwrap_or_default());
            let shown = shown(&kind);
            let piece = shown.and_then(|name| detail.get(name).text());
            let text = piece.clone().filter(|piece| !piece.is_empty());
            if shown.is_some() && text.is_none() && signature.is_empty() && !out.is_open(place.key) {
                continue; // An announcement without content.
            }
            self.open(place, out);
            if !signature.is_empty() {
                out.sign(signature);
            }
            self.keep(&kind, detail, shown, piece);
            if let Some(text) = text.filter(|_| silent) {
                self.say(place, text, "reasoning_details", out);
            }
        }
    }

    pub(super) fn on_thinking(&mut self, place: Place, part: Value<'_>, out: &mut Out<'_>) {
        let [thinking, signature] = part.pick(["thinking", "signature"]);
        let whole = Some(thinking).filter(|thinking| !thinking.is_array());
        for piece in whole.into_iter().chain(thinking.items()) {
            let text = if piece.is_object() { piece.get("text") } else { piece };
            if let Some(text) = text.text().filter(|text| !text.is_empty()) {
                self.say(place, text, "thinking", out);
            }
        }
        if let Some(signature) = signature.str().filter(|signature| !signature.is_empty()) {
            self.open(place, out);
            out.sign(signature);
        }
    }

    /// Hands the details to the block they belong to; to be called before anything closes it.
    pub(super) fn leave(&mut self, out: &mut Out<'_>) {
        if !self.details.is_empty() {
            let details = self.details.drain(..).map(Detail::whole).collect();
            out.annotate(vec![("reasoning_details".to_owned(), Json::Array(details))]);
        }
    }

    fn open(&mut self, place: Place, out: &mut Out<'_>) {
        if !out.is_open(place.key) {
            self.leave(out);
            out.open_reasoning(place.key, place.mark());
            self.field = None;
        }
    }

    fn say(&mut self, place: Place, text: Text<'_>, field: &'static str, out: &mut Out<'_>) {
        self.open(place, out);
        if self.field.is_none() {
            self.field = Some(field);
            out.annotate(vec![("field".to_owned(), Json::str(field))]);
        }
        out.reasoning(place.key, text);
    }

    fn keep(&mut self, kind: &str, detail: Value<'_>, shown: Option<&str>, piece: Option<Text<'_>>) {
        let mut members = meta(detail);
        let Some(shown) = shown else {
            self.details.push(Detail::new(kind, members, None));
            return;
        };
        members.retain(|(name, _)| name != shown);
        match self.details.last_mut() {
            Some(last) if last.kind == kind && last.is_same(&members) => last.join(members, piece),
            _ => self.details.push(Detail::new(kind, members, piece)),
        }
    }
}
