//! Function calls of Google's answers, whole and streamed, and the tools that Google runs.
//!
//! Owns which part belongs to which call, and the JSON text that streamed pieces of arguments add up to. Ids, the parse
//! of the arguments and what becomes of a cut call are `tools`' business.
//!
//! Sources: <https://ai.google.dev/api/caching#FunctionCall>, <https://ai.google.dev/api/caching#ExecutableCode>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Content#PartialArg>
//!
//! Decisions where the contract is silent:
//! - Pieces of arguments are given out as the JSON text they make, in the order they come. Pieces that go back to a
//!   value that is already written make a text that is no JSON, which ends as a tool input error.
//! - The name of the code execution tool, which has none on the wire, is `code_execution`; other tools that Google runs
//!   go by their `toolType`.
//!
//! Twin of `runtimes/pure/protocol/google_tools.py`.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::json::{Json, MAX_DEPTH, Meta, Text, Value, quote};
use crate::lifecycle::Out;
use crate::tools::{Opening, Tools};

const CODE: &str = "code_execution";
const SIGNATURE: &str = "thoughtSignature";
/// Longest JSON path that is read, in characters.
const MAX_PATH: usize = 4096;

/// The calls of one answer. At most one call of a candidate is being streamed at a time.
#[derive(Debug, Default)]
pub(crate) struct GoogleTools {
    tools: Tools,
    streams: BTreeMap<u64, Stream>,
    hosted: HashMap<String, usize>,
    last: Option<usize>,
}

impl GoogleTools {
    /// Whether a call was seen that the caller must run itself.
    pub(crate) fn any(&self) -> bool {
        self.tools.any()
    }

    /// A whole call, the start of a streamed one, more of it, or its end: an object without a name.
    pub(crate) fn on_function_call(&mut self, index: u64, call: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        let [id, name, args, pieces, more] = call.pick(["id", "name", "args", "partialArgs", "willContinue"]);
        let (id, name) = (id.str(), name.str().filter(|name| !name.is_empty()));
        let more = more.bool() == Some(true);
        let whole = !args.is_null() && (!args.is_object() || args.members().next().is_some());
        let signed = metadata.as_ref().is_some_and(|metadata| metadata.iter().any(|(name, _)| name == SIGNATURE));
        let mut late = metadata;
        if name.is_some() || whole {
            self.finish(index, out);
            let (id, name, metadata) = (id.as_deref(), name.as_deref(), late.take());
            let slot = self.tools.open(Opening { id, name, metadata, ..Opening::default() }, out);
            if whole || !(more || pieces.items().next().is_some()) {
                self.whole(slot, args, out);
                return;
            }
            self.tools.start(slot, out);
            self.streams.insert(index, Stream { slot, signed, arguments: PartialArguments::default() });
        }
        let Some(stream) = self.streams.get_mut(&index) else {
            if call.members().next().is_some() {
                out.warn("pieces of a tool call without its start were ignored");
            }
            return;
        };
        stream.more(&mut self.tools, late.filter(|_| signed), pieces, out);
        if !more {
            self.finish(index, out);
        }
    }

    /// Arguments as a value, or as the text of one.
    fn whole(&mut self, slot: usize, args: Value<'_>, out: &mut Out<'_>) {
        if let Some(text) = args.text() {
            self.tools.delta(slot, text, out);
            self.tools.close(slot, out);
        } else if args.is_null() {
            self.tools.close_value(slot, &Json::Object(Meta::new()), out);
        } else {
            let value = args.to_json();
            self.tools.delta(slot, Text::from(value.dump()), out);
            self.tools.close_value(slot, &value, out);
        }
    }

    /// Completes the call that is being streamed.
    fn finish(&mut self, index: u64, out: &mut Out<'_>) {
        if let Some(mut stream) = self.streams.remove(&index) {
            self.tools.delta(stream.slot, Text::from(stream.arguments.finish()), out);
            self.tools.close(stream.slot, out);
        }
    }

    /// Code that Google runs.
    pub(crate) fn on_executable_code(&mut self, code: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        self.hosted_call(code.get("id"), CODE, without_id(code), metadata, out);
    }

    /// What the code printed.
    pub(crate) fn on_code_execution_result(&mut self, result: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        let outcome = result.get("outcome").str();
        let failed = matches!(outcome.as_deref(), Some("OUTCOME_FAILED" | "OUTCOME_DEADLINE_EXCEEDED"));
        self.hosted_result(result.get("id"), CODE, &without_id(result), failed, metadata, out);
    }

    /// Another tool that Google runs.
    pub(crate) fn on_tool_call(&mut self, call: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        let [id, name, args] = call.pick(["id", "toolType", "args"]);
        let args = if args.is_null() { Json::Object(Meta::new()) } else { args.to_json() };
        self.hosted_call(id, &name.str().unwrap_or_default(), args, metadata, out);
    }

    /// Its result, which Google may keep to itself.
    pub(crate) fn on_tool_response(&mut self, response: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        let [id, name, value] = response.pick(["id", "toolType", "response"]);
        self.hosted_result(id, &name.str().unwrap_or_default(), &value.to_json(), false, metadata, out);
    }

    /// The result of a function that the provider ran.
    pub(crate) fn on_function_response(&mut self, response: Value<'_>, metadata: Option<Meta>, out: &mut Out<'_>) {
        let [id, name, value] = response.pick(["id", "name", "response"]);
        self.hosted_result(id, &name.str().unwrap_or_default(), &value.to_json(), false, metadata, out);
    }

    fn hosted_call(&mut self, id: Value<'_>, name: &str, value: Json, metadata: Option<Meta>, out: &mut Out<'_>) {
        let id = id.str();
        let opening =
            Opening { id: id.as_deref(), name: Some(name), provider_executed: true, metadata, ..Opening::default() };
        let slot = self.tools.open(opening, out);
        self.tools.delta(slot, Text::from(value.dump()), out);
        self.tools.close_value(slot, &value, out);
        self.last = Some(slot);
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            self.hosted.insert(id.into_owned(), slot);
        }
    }

    /// A result goes to the call of its id; without an id to the last call that Google ran.
    fn hosted_result(
        &mut self,
        id: Value<'_>,
        name: &str,
        value: &Json,
        failed: bool,
        metadata: Option<Meta>,
        out: &mut Out<'_>,
    ) {
        let id = id.str().filter(|id| !id.is_empty());
        let slot = id.as_deref().map_or(self.last, |id| self.hosted.get(id).copied());
        if let Some(slot) = slot {
            let (id, name) = self.tools.identity(slot);
            out.tool_result(id, name, value, failed, metadata);
        } else {
            out.warn("a tool result without its call");
            let id = id.map_or_else(|| out.new_id("call"), std::borrow::Cow::into_owned);
            out.tool_result(&id, name, value, failed, metadata);
        }
    }

    /// The answer ended; a streamed call without an end of its own is complete unless the answer was cut.
    pub(crate) fn end(&mut self, cut: bool, out: &mut Out<'_>) {
        if cut {
            self.tools.cut_all(out);
            return;
        }
        let mut order: Vec<(usize, u64)> = self.streams.iter().map(|(index, stream)| (stream.slot, *index)).collect();
        order.sort_unstable();
        for (_, index) in order {
            self.finish(index, out);
        }
    }
}

fn without_id(value: Value<'_>) -> Json {
    Json::object(value.to_meta().into_iter().filter(|(name, _)| name != "id").collect())
}

#[derive(Debug)]
struct Stream {
    slot: usize,
    signed: bool,
    arguments: PartialArguments,
}

impl Stream {
    fn more(&mut self, tools: &mut Tools, signature: Option<Meta>, pieces: Value<'_>, out: &mut Out<'_>) {
        if let Some(metadata) = signature {
            self.sign(tools, metadata, out);
        }
        for piece in pieces.items().filter(Value::is_object) {
            let text = self.arguments.piece(piece);
            tools.delta(self.slot, Text::from(text), out);
        }
    }

    /// A signature that came after the start of its call.
    fn sign(&mut self, tools: &mut Tools, metadata: Meta, out: &mut Out<'_>) {
        if self.signed {
            out.warn("a second signature of a tool call was ignored");
        } else {
            self.signed = true;
            tools.annotate(self.slot, metadata);
        }
    }
}

/// A step of a JSON path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Place(u32),
}

type Path = Vec<Step>;

/// Writes the JSON text of arguments whose scalar values come piece by piece, each with its JSON path.
///
/// Names within an open object are kept so that none is written twice; nothing else is held.
#[derive(Debug, Default)]
struct PartialArguments {
    path: Path,
    names: Vec<HashSet<String>>,
    open: bool,
    broken: bool,
}

impl PartialArguments {
    /// The text that a piece adds.
    fn piece(&mut self, piece: Value<'_>) -> String {
        let [path, string, more] = piece.pick(["jsonPath", "stringValue", "willContinue"]);
        let Some(path) = path.str().and_then(|path| parse_path(&path)).filter(|_| !self.broken) else {
            return self.give_up();
        };
        let more = more.bool() == Some(true);
        let string = string.str();
        let other = scalar(piece);
        if self.open && path == self.path && (string.is_some() || other.is_empty()) {
            self.open = more;
            let text = quote(&string.unwrap_or_default());
            let inside = text.get(1..).unwrap_or("");
            return if more { without_quote(inside).to_owned() } else { inside.to_owned() };
        }
        let scalar = string.as_ref().map_or(other, |text| quote(text));
        if scalar.is_empty() {
            return String::new();
        }
        let Some(mut text) = self.go_to(path) else { return self.give_up() };
        self.open = more && string.is_some();
        text.push_str(if self.open { without_quote(&scalar) } else { &scalar });
        text
    }

    /// The text that closes what is open.
    fn finish(&mut self) -> String {
        if self.broken { String::new() } else { self.close(0) }
    }

    /// From here on the text is no JSON, and stays none: it is not empty and will not be closed.
    fn give_up(&mut self) -> String {
        let first = !self.broken && self.path.is_empty();
        self.broken = true;
        if first { "{".to_owned() } else { String::new() }
    }

    /// The text between the last value and the one at `path`; None where that place cannot be written any more.
    fn go_to(&mut self, path: Path) -> Option<String> {
        let common = self.path.iter().zip(&path).take_while(|(before, after)| before == after).count();
        let begun = !self.path.is_empty();
        let root_is_array = !begun && !matches!(path.first(), Some(Step::Name(_)));
        if common >= path.len() || (begun && common >= self.path.len()) || root_is_array {
            return None;
        }
        let mut text = if begun { self.close(common + 1) } else { String::new() };
        for (depth, step) in path.iter().enumerate().skip(common) {
            let before = self.path.get(depth).filter(|_| depth == common && begun);
            match (step, before) {
                (Step::Name(name), None | Some(Step::Name(_))) => {
                    text.push_str(if before.is_none() { "{" } else { "," });
                    text.push_str(&label(&mut self.names, depth, name)?);
                }
                (Step::Place(0), None) => {
                    text.push('[');
                    self.names.push(HashSet::new()); // keeps the place of the array among the containers
                }
                (Step::Place(next), Some(Step::Place(last))) if *next == last + 1 => text.push(','),
                _ => return None,
            }
        }
        self.path = path;
        Some(text)
    }

    /// Closes the string and every container from `depth` inwards.
    fn close(&mut self, depth: usize) -> String {
        let mut text = if std::mem::take(&mut self.open) { "\"".to_owned() } else { String::new() };
        for step in self.path.get(depth..).unwrap_or_default().iter().rev() {
            text.push(if matches!(step, Step::Name(_)) { '}' } else { ']' });
        }
        self.names.truncate(depth);
        text
    }
}

/// The name of a new member; None for a name again.
fn label(names: &mut Vec<HashSet<String>>, depth: usize, name: &str) -> Option<String> {
    if names.len() <= depth {
        names.push(HashSet::new());
    }
    names.get_mut(depth)?.insert(name.to_owned()).then(|| quote(name) + ":")
}

fn without_quote(text: &str) -> &str {
    text.strip_suffix('"').unwrap_or(text)
}

/// The JSON text of a value that comes whole; nothing where there is none.
fn scalar(piece: Value<'_>) -> String {
    let [truth, number] = piece.pick(["boolValue", "numberValue"]);
    match truth.bool() {
        Some(true) => "true".to_owned(),
        Some(false) => "false".to_owned(),
        None if number.number().is_some() => number.to_json().dump(),
        None if piece.has("nullValue") => "null".to_owned(),
        None => String::new(),
    }
}

/// The steps of a JSON path: `.name`, `['name']`, `[0]`; None for anything else.
fn parse_path(text: &str) -> Option<Path> {
    let mut path = Path::new();
    let mut rest = text.strip_prefix('$').filter(|_| text.chars().count() <= MAX_PATH)?;
    while !rest.is_empty() {
        if path.len() == MAX_DEPTH {
            return None;
        }
        let (step, behind) = parse_step(rest)?;
        rest = behind;
        if step == Step::Name(String::new()) {
            return None;
        }
        path.push(step);
    }
    (!path.is_empty()).then_some(path)
}

/// The first step of a path, and the text behind.
fn parse_step(text: &str) -> Option<(Step, &str)> {
    if let Some(after) = text.strip_prefix('.') {
        let (name, behind) = after.split_at_checked(after.find(['.', '[']).unwrap_or(after.len()))?;
        return Some((Step::Name(name.to_owned()), behind));
    }
    let after = text.strip_prefix('[')?;
    if let Some(quote) = after.chars().next().filter(|char| matches!(char, '\'' | '"')) {
        let (name, behind) = quoted(after.strip_prefix(quote)?, quote)?;
        return Some((Step::Name(name), behind));
    }
    let (digits, behind) = after.split_once(']')?;
    let number = !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.parse().ok()).flatten().map(|place| (Step::Place(place), behind))
}

/// A name up to its closing quote and bracket, and the text behind; a backslash takes the next character as is.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == quote {
            return chars.as_str().strip_prefix(']').map(|behind| (name, behind));
        }
        name.push(if char == '\\' { chars.next()? } else { char });
    }
    None
}
