//! Calls of the `OpenAI` Responses format: who runs them, what their input and result are, and how they are settled.
//!
//! Owns the table of item types and the events of calls, results and media; which item a frame speaks of is decided in
//! `openai_responses_items`. Who runs what, and why, stands in the twin,
//! `runtimes/pure/protocol/openai_responses_hosted.py`.

use std::borrow::Cow;

use super::openai_responses_items::{Item, Items, text};
use crate::json::{Json, Meta, Text, Value, merge};
use crate::lifecycle::Out;
use crate::tools::{Opening, Tools};

const BY_CALLER: [&str; 5] =
    ["function_call", "custom_tool_call", "computer_call", "local_shell_call", "apply_patch_call"];
const TEXT_INPUT: [&str; 3] = ["function_call", "custom_tool_call", "mcp_call"];
const NO_RESULT: [&str; 4] = ["shell_call", "tool_search_call", "program", "mcp_approval_request"];
const XAI_SEARCH: [&str; 4] = ["x_user_search", "x_keyword_search", "x_semantic_search", "x_thread_fetch"];
const IDENTITY: [&str; 6] = ["id", "type", "call_id", "name", "arguments", "input"];
const IMAGE_HEADS: [(&str, &str); 3] = [("/9j/", "image/jpeg"), ("UklGR", "image/webp"), ("R0lGOD", "image/gif")];

/// The field that is the input.
fn whole(wire_type: &str) -> Option<&'static str> {
    match wire_type {
        "web_search_call" | "computer_call" | "local_shell_call" | "shell_call" => Some("action"),
        "apply_patch_call" => Some("operation"),
        _ => None,
    }
}

/// The fields that make up the input where there is no such object.
fn fields(wire_type: &str) -> &'static [&'static str] {
    match wire_type {
        "file_search_call" => &["queries"],
        "computer_call" => &["actions"],
        "code_interpreter_call" => &["code", "container_id"],
        "image_generation_call" => &["prompt", "revised_prompt"],
        "program" => &["code"],
        "mcp_list_tools" => &["server_label"],
        _ => &[],
    }
}

/// All calls of one answer, and their results.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) tools: Tools,
    xai: bool,
}

impl Calls {
    pub(super) fn new(provider: &str) -> Self {
        Self { tools: Tools::default(), xai: provider == "xai" }
    }

    // Input

    /// A call was announced; some hosts give all its arguments at once.
    pub(super) fn begin(&mut self, at: usize, item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
        let is_new = item.slot.is_none();
        let slot = self.start(at, item, raw, items, out);
        if is_new && TEXT_INPUT.contains(&item.wire_type.as_str()) {
            let said = final_text(&item.wire_type, raw).unwrap_or_default();
            self.tools.delta(slot, Text::from(said.as_ref()), out);
        }
    }

    /// More of the input, as it came.
    pub(super) fn add_input(
        &mut self,
        at: usize,
        item: &mut Item,
        text: Text<'_>,
        items: &mut Items,
        out: &mut Out<'_>,
    ) {
        if !item.closed && !item.complete {
            let slot = self.start(at, item, Value::NULL, items, out);
            self.tools.delta(slot, text, out);
        }
    }

    /// The whole input: extends what was streamed, or replaces it.
    pub(super) fn whole_input(&mut self, at: usize, item: &mut Item, text: &str, items: &mut Items, out: &mut Out<'_>) {
        if !item.closed {
            item.complete = true;
            let slot = self.start(at, item, Value::NULL, items, out);
            self.tools.reconcile(slot, Text::from(text), out);
        }
    }

    // The end of an item

    /// The item is complete: the call, and its result where it has one. Without `raw`, what was streamed counts.
    ///
    /// An item that says it is incomplete stays unsettled, and so does one still in progress in an answer that was cut.
    pub(super) fn finish(
        &mut self,
        at: usize,
        item: &mut Item,
        raw: Value<'_>,
        items: &mut Items,
        out: &mut Out<'_>,
        cut: bool,
    ) {
        let slot = self.start(at, item, raw, items, out);
        if let Some(said) = final_text(&item.wire_type, raw) {
            self.tools.reconcile(slot, Text::from(said.as_ref()), out);
        }
        item.closed = true;
        let status = raw.get("status").str();
        let status = status.as_deref();
        if status == Some("incomplete") || (cut && status == Some("in_progress") && !item.complete) {
            return;
        }
        let wire_type = item.wire_type.as_str();
        let answered = self.is_hosted(wire_type, raw) && !raw.is_null() && !NO_RESULT.contains(&wire_type);
        let metadata = call_metadata(item, raw, answered);
        if !metadata.is_empty() {
            self.tools.annotate(slot, metadata);
        }
        self.close(&item.wire_type, raw, slot, out);
        if answered {
            self.result(item, raw, slot, out);
        }
    }

    /// An item that is the output of a call, which may belong to an earlier answer.
    pub(super) fn finish_output(&mut self, item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) {
        item.closed = true;
        let tool = item.wire_type.strip_suffix("_output").unwrap_or(&item.wire_type);
        let call_id = text(raw.get("call_id"));
        let call = match call_id {
            Some(_) => items.called(raw),
            None => items.last_of(&format!("{tool}_call")),
        };
        let slot = call.and_then(|place| items.get(place)).and_then(|call| call.slot);
        let (id, name) = slot.map_or(("", tool), |slot| self.tools.identity(slot));
        let known = slot.map(|_| id).or(call_id.as_deref()).or(item.id.as_deref());
        let id = known.map_or_else(|| out.new_id("call"), str::to_owned);
        let result = Json::Object(without(raw, &IDENTITY));
        out.tool_result(&id, name, &result, is_failed(raw), Some(vec![("item".to_owned(), raw.to_json())]));
    }

    /// Opens the call of an item, or completes what is known of it. Gives its slot.
    fn start(&mut self, at: usize, item: &mut Item, raw: Value<'_>, items: &mut Items, out: &mut Out<'_>) -> usize {
        let [call_id, name] = raw.pick(["call_id", "name"]).map(text);
        let own = item.id.as_deref().filter(|_| !raw.is_null()).map(Cow::Borrowed);
        let call_id = call_id.or(own).map(Cow::into_owned);
        let name = name.or_else(|| default_name(&item.wire_type).map(Cow::Borrowed));
        let slot = if let Some(slot) = item.slot {
            self.tools.identify(slot, call_id.as_deref(), name.as_deref(), out);
            slot
        } else {
            let freeform = item.wire_type == "custom_tool_call";
            let provider_executed = self.is_hosted(&item.wire_type, raw);
            let (id, name) = (call_id.as_deref(), name.as_deref());
            self.tools.open(Opening { id, name, freeform, provider_executed, metadata: None }, out)
        };
        item.slot = Some(slot);
        if let Some(call_id) = call_id
            && item.call_id.is_none()
        {
            items.name_call(at, &call_id);
            item.call_id = Some(call_id);
        }
        slot
    }

    /// The call itself: from argument text where the wire has text, else from the item's fields, as one delta.
    fn close(&mut self, wire_type: &str, raw: Value<'_>, slot: usize, out: &mut Out<'_>) {
        let arguments = raw.get("arguments");
        if arguments.is_string() || (TEXT_INPUT.contains(&wire_type) && !arguments.is_object()) {
            self.tools.close(slot, out);
            return;
        }
        let value = input(wire_type, raw, self.tools.text(slot));
        if self.tools.text(slot).is_empty() && !value.is_empty() {
            let value = Json::Object(value);
            self.tools.delta(slot, Text::from(value.dump()), out);
            return self.tools.close_value(slot, &value, out);
        }
        self.tools.close_value(slot, &Json::Object(value), out);
    }

    fn result(&self, item: &Item, raw: Value<'_>, slot: usize, out: &mut Out<'_>) {
        let (id, name) = self.tools.identity(slot);
        let wire_type = item.wire_type.as_str();
        let image = wire_type == "image_generation_call";
        let hidden: &[&str] = if image { &["result"] } else { &[] };
        if image {
            media(id, item, raw, out);
        }
        let skip: Vec<&str> =
            IDENTITY.iter().chain(fields(wire_type)).chain(hidden).copied().chain(whole(wire_type)).collect();
        let mut result = without(raw, &skip);
        let sources = raw.get("action").get("sources");
        if !sources.is_null() {
            merge(&mut result, vec![("sources".to_owned(), sources.to_json())]);
        }
        let metadata = vec![("item".to_owned(), Json::Object(without(raw, hidden)))];
        out.tool_result(id, name, &Json::Object(result), is_failed(raw), Some(metadata));
    }

    fn is_hosted(&self, wire_type: &str, raw: Value<'_>) -> bool {
        match wire_type {
            "shell_call" => raw.get("environment").get("type").str().is_some_and(|place| place != "local"),
            "tool_search_call" => raw.get("execution").str().is_none_or(|by| by != "client"),
            "custom_tool_call" if self.xai => raw.get("name").str().is_some_and(|name| XAI_SEARCH.contains(&&*name)),
            _ => !BY_CALLER.contains(&wire_type),
        }
    }
}

/// The name of a tool that has no name on the wire; functions and custom tools always have one.
fn default_name(wire_type: &str) -> Option<&str> {
    match wire_type {
        "function_call" | "custom_tool_call" | "mcp_call" | "mcp_approval_request" => None,
        _ => Some(wire_type.strip_suffix("_call").unwrap_or(wire_type)),
    }
}

/// The whole input of an item, where it is text.
fn final_text<'a>(wire_type: &str, raw: Value<'a>) -> Option<Cow<'a, str>> {
    raw.get(match wire_type {
        "code_interpreter_call" => "code",
        "custom_tool_call" => "input",
        _ => "arguments",
    })
    .str()
}

/// The input of a call that has no argument text.
fn input(wire_type: &str, raw: Value<'_>, streamed: &str) -> Meta {
    for field in ["arguments", whole(wire_type).unwrap_or("arguments")] {
        if raw.get(field).is_object() {
            // What a search found is its result.
            return without(raw.get(field), if field == "action" { &["sources"] } else { &[] });
        }
    }
    let mut value: Meta = Vec::new();
    for field in fields(wire_type) {
        let said = raw.get(field);
        if !said.is_null() {
            value.push(((*field).to_owned(), said.to_json()));
        }
    }
    let has_code = value.iter().any(|(name, _)| name == "code");
    if wire_type == "code_interpreter_call" && !streamed.is_empty() && !has_code {
        value.push(("code".to_owned(), Json::str(streamed)));
    }
    value
}

fn call_metadata(item: &Item, raw: Value<'_>, answered: bool) -> Meta {
    let mut metadata = Meta::new();
    let item_id = raw.get("id").str().filter(|id| !id.is_empty());
    if let Some(id) = item_id.as_deref().or(item.id.as_deref()) {
        metadata.push(("item_id".to_owned(), Json::str(id)));
    }
    if matches!(item.wire_type.as_str(), "function_call" | "custom_tool_call") {
        let mut more = without(raw, &IDENTITY);
        more.retain(|(name, value)| name != "status" && *value != Json::Null);
        merge(&mut metadata, more);
    } else if !raw.is_null() && !answered {
        metadata.push(("item".to_owned(), raw.to_json()));
    }
    metadata
}

/// The members of an object but those.
fn without(raw: Value<'_>, names: &[&str]) -> Meta {
    let members = raw.members().filter(|(name, _)| !names.contains(&name.as_ref()));
    let mut kept = Meta::new();
    merge(&mut kept, members.map(|(name, value)| (name.into_owned(), value.to_json())).collect());
    kept
}

fn is_failed(raw: Value<'_>) -> bool {
    let [status, said] = raw.pick(["status", "error"]);
    status.str().is_some_and(|status| status == "failed") || said.is_object() || text(said).is_some()
}

fn media(id: &str, item: &Item, raw: Value<'_>, out: &mut Out<'_>) {
    let Some(image) = text(raw.get("result")) else { return };
    let kind = text(raw.get("output_format")).map(|kind| format!("image/{kind}"));
    let head = IMAGE_HEADS.iter().find(|(head, _)| image.starts_with(head)).map_or("image/png", |(_, mime)| mime);
    let mime_type = kind.as_deref().unwrap_or(head);
    let is_url = image.starts_with("https://") || image.starts_with("http://");
    let (data, url) = if is_url { (None, Some(&*image)) } else { (Some(&*image), None) };
    let metadata = item.id.as_deref().map(|id| vec![("item_id".to_owned(), Json::str(id))]);
    out.media(id, mime_type, data, url, metadata);
}
