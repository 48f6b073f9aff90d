//! Events as the Python classes that users match on.
//!
//! Owns no meaning: fields are set in the order that `classes` lists.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyNone, PyString, PyTuple};
use zen_core::event::{Emit, Event, FinishReason, Reason};
use zen_core::json::Meta;
use zen_core::usage::Usage;

use crate::classes::Classes;
use crate::convert;
use crate::object::Shape;

/// What outlives a read: the Python strings that come again and again.
pub(crate) struct Strings {
    provider: Py<PyString>,
    id: Py<PyString>,
    id_text: String,
}

impl Strings {
    /// For a decoder whose metadata stands under `provider`.
    pub(crate) fn new(py: Python<'_>, provider: &str) -> Self {
        Self {
            provider: PyString::intern(py, provider).unbind(),
            id: PyString::intern(py, "").unbind(),
            id_text: String::new(),
        }
    }
}

/// Builds events into a list. The first Python error (memory, most likely) is kept; what comes after is dropped.
pub(crate) struct Builder<'py, 's> {
    py: Python<'py>,
    classes: &'s Classes,
    strings: &'s mut Strings,
    /// The one event that there is yet, where there is no list: most reads bring one.
    first: Option<Object<'py>>,
    list: Option<Bound<'py, PyList>>,
    /// Reason and usage of the step that has just ended.
    step: Option<[Object<'py>; 2]>,
    failure: Option<PyErr>,
}

type Object<'py> = Bound<'py, PyAny>;

impl<'py, 's> Builder<'py, 's> {
    /// A builder that goes on with a list, or makes one for its first event.
    pub(crate) fn new(
        py: Python<'py>,
        classes: &'s Classes,
        strings: &'s mut Strings,
        list: Option<Bound<'py, PyList>>,
    ) -> Self {
        Self { py, classes, strings, first: None, list, step: None, failure: None }
    }

    /// The list if there is one, and what went wrong while it was filled.
    #[inline]
    pub(crate) fn into_parts(self) -> (Option<Bound<'py, PyList>>, Option<PyErr>) {
        match self.first {
            None => (self.list, self.failure),
            Some(first) => match PyList::new(self.py, [first]) {
                Ok(list) => (Some(list), self.failure),
                Err(failure) => (None, Some(failure)),
            },
        }
    }

    #[inline]
    fn push<const N: usize>(&mut self, shape: &Shape, values: [Object<'py>; N], atomic: bool) -> PyResult<()> {
        let event = shape.make(self.py, values, atomic)?;
        if self.first.is_none() && self.list.is_none() {
            self.first = Some(event);
            return Ok(());
        }
        self.append(event)
    }

    fn append(&mut self, event: Object<'py>) -> PyResult<()> {
        let list = self.list.get_or_insert_with(|| PyList::empty(self.py));
        if let Some(first) = self.first.take() {
            list.append(first)?;
        }
        list.append(event)
    }

    /// A delta of the block whose id came last.
    #[inline]
    fn push_delta(&mut self, shape: &Shape, text: &str) -> PyResult<()> {
        let id = self.strings.id.bind(self.py).clone().into_any();
        let values = [id, self.str(text)];
        self.push(shape, values, true)
    }

    fn str(&self, text: &str) -> Object<'py> {
        PyString::new(self.py, text).into_any()
    }

    /// A block's id: the same Python string as long as the id stays the same.
    fn id(&mut self, id: &str) -> Object<'py> {
        if self.strings.id_text != id {
            id.clone_into(&mut self.strings.id_text);
            self.strings.id = PyString::new(self.py, id).unbind();
        }
        self.strings.id.bind(self.py).clone().into_any()
    }

    fn none(&self) -> Object<'py> {
        PyNone::get(self.py).to_owned().into_any()
    }

    fn optional(&self, text: Option<&str>) -> Object<'py> {
        text.map_or_else(|| self.none(), |text| self.str(text))
    }

    fn bool(&self, truth: bool) -> Object<'py> {
        pyo3::types::PyBool::new(self.py, truth).to_owned().into_any()
    }

    fn int(&self, number: u64) -> PyResult<Object<'py>> {
        Ok(number.into_pyobject(self.py)?.into_any())
    }

    fn count(&self, number: Option<u64>) -> PyResult<Object<'py>> {
        number.map_or_else(|| Ok(self.none()), |number| self.int(number))
    }

    fn metadata(&self, metadata: Option<&Meta>) -> PyResult<Object<'py>> {
        let Some(members) = metadata else { return Ok(self.none()) };
        let keyed = PyDict::new(self.py);
        keyed.set_item(self.strings.provider.bind(self.py), convert::dict(self.py, members)?)?;
        Ok(keyed.into_any())
    }

    fn reason(&self, reason: &FinishReason) -> PyResult<Object<'py>> {
        let normalized = reason_name(self.py, reason.normalized);
        self.classes.finish_reason.make(self.py, [normalized, self.optional(reason.raw.as_deref())], true)
    }

    fn decimal(&self, text: Option<&String>) -> PyResult<Object<'py>> {
        text.map_or_else(|| Ok(self.none()), |text| self.classes.decimal.bind(self.py).call1((text,)))
    }

    fn usage(&self, usage: &Usage) -> PyResult<Object<'py>> {
        let values = [
            self.count(usage.input_tokens)?,
            self.count(usage.output_tokens)?,
            self.count(usage.cache_read_tokens)?,
            self.count(usage.cache_write_tokens)?,
            self.count(usage.cache_write_1h_tokens)?,
            self.count(usage.reasoning_tokens)?,
            self.count(usage.total_tokens)?,
            self.decimal(usage.cost.as_ref())?,
            self.decimal(usage.list_cost.as_ref())?,
            self.optional(usage.cost.as_ref().map(|_| "wire")),
            usage.raw.as_ref().map_or_else(|| Ok(self.none()), |raw| convert::object(self.py, raw))?,
        ];
        self.classes.usage.make(self.py, values, false)
    }

    #[inline(never)]
    fn build(&mut self, event: Event<'_>) -> PyResult<()> {
        let classes = self.classes;
        match event {
            Event::TextDelta { id, text } => {
                let values = [self.id(id), self.str(text)];
                self.push(&classes.text_delta, values, true)
            }
            Event::ReasoningDelta { id, text } => {
                let values = [self.id(id), self.str(text)];
                self.push(&classes.reasoning_delta, values, true)
            }
            Event::ToolInputDelta { id, text } => {
                let values = [self.id(id), self.str(text)];
                self.push(&classes.tool_input_delta, values, true)
            }
            Event::TextStart { id, metadata } => self.edge(&classes.text_start, id, metadata),
            Event::TextEnd { id, metadata } => self.edge(&classes.text_end, id, metadata),
            Event::ReasoningStart { id, metadata } => self.edge(&classes.reasoning_start, id, metadata),
            Event::ReasoningEnd { id, signature, metadata } => {
                let values = [self.id(id), self.optional(signature), self.metadata(metadata)?];
                self.push(&classes.reasoning_end, values, metadata.is_none())
            }
            Event::StepStart { index } => {
                let values = [self.int(index)?];
                self.push(&classes.step_start, values, true)
            }
            other => self.build_rare(other),
        }
    }

    fn edge(&mut self, shape: &Shape, id: &str, metadata: Option<&Meta>) -> PyResult<()> {
        let values = [self.id(id), self.metadata(metadata)?];
        self.push(shape, values, metadata.is_none())
    }

    fn build_rare(&mut self, event: Event<'_>) -> PyResult<()> {
        let classes = self.classes;
        match event {
            Event::ToolInputStart { id, name, provider_executed } => {
                let values = [self.id(id), self.str(name), self.bool(provider_executed)];
                self.push(&classes.tool_input_start, values, true)
            }
            Event::ToolInputEnd { id } => {
                let values = [self.id(id)];
                self.push(&classes.tool_input_end, values, true)
            }
            Event::ToolCall { id, name, input, provider_executed, metadata } => {
                let input = convert::object(self.py, input)?;
                let flag = self.bool(provider_executed);
                let values = [self.id(id), self.str(name), input, flag, self.metadata(metadata)?];
                self.push(&classes.tool_call, values, false)
            }
            Event::ToolInputError { id, name, raw, message } => {
                let values = [self.id(id), self.str(name), self.str(raw), self.str(message)];
                self.push(&classes.tool_input_error, values, true)
            }
            Event::ToolResult { id, name, result, is_error, provider_executed, metadata } => {
                let result = convert::object(self.py, result)?;
                let flags = (self.bool(is_error), self.bool(provider_executed));
                let values = [self.id(id), self.str(name), result, flags.0, flags.1, self.metadata(metadata)?];
                self.push(&classes.tool_result, values, false)
            }
            other => self.build_last(other),
        }
    }

    fn build_last(&mut self, event: Event<'_>) -> PyResult<()> {
        let classes = self.classes;
        match event {
            Event::Citation { block_id, url, title, text, metadata } => {
                let [block_id, url, title, text] = [block_id, url, title, text].map(|text| self.optional(text));
                let values = [block_id, url, title, text, self.metadata(metadata)?];
                self.push(&classes.citation, values, metadata.is_none())
            }
            Event::Media { id, mime_type, data, url, metadata } => {
                let [data, url] = [data, url].map(|text| self.optional(text));
                let values = [self.id(id), self.str(mime_type), data, url, self.metadata(metadata)?];
                self.push(&classes.media, values, metadata.is_none())
            }
            Event::StepFinish { index, reason, usage, response_id, model, metadata } => {
                let [index, reason, usage] = [self.int(index)?, self.reason(reason)?, self.usage(usage)?];
                self.step = Some([reason.clone(), usage.clone()]);
                let [response_id, model] = [response_id, model].map(|text| self.optional(text));
                let values = [index, reason, usage, response_id, model, self.metadata(metadata)?];
                self.push(&classes.step_finish, values, false)
            }
            Event::Finish { reason, usage, steps, warnings } => {
                // It comes right behind the one step of an answer, and says the same of it.
                let [reason, usage] = match self.step.take() {
                    Some(said) => said,
                    None => [self.reason(reason)?, self.usage(usage)?],
                };
                let warnings = PyTuple::new(self.py, warnings)?.into_any();
                let values = [reason, usage, self.int(steps)?, warnings];
                self.push(&classes.finish, values, false)
            }
            Event::Raw { name, data } => {
                self.push(&classes.raw, [self.str(name), convert::object(self.py, data)?], false)
            }
            _ => Ok(()),
        }
    }
}

impl Emit for Builder<'_, '_> {
    fn emit(&mut self, event: Event<'_>) {
        if self.failure.is_none() {
            self.failure = self.build(event).err();
        }
    }

    fn emit_same(&mut self, event: Event<'_>) {
        let built = match event {
            Event::TextDelta { text, .. } => self.push_delta(&self.classes.text_delta, text),
            Event::ReasoningDelta { text, .. } => self.push_delta(&self.classes.reasoning_delta, text),
            other => self.build(other),
        };
        if self.failure.is_none() {
            self.failure = built.err();
        }
    }
}

fn reason_name(py: Python<'_>, reason: Reason) -> Bound<'_, PyAny> {
    PyString::intern(py, reason.as_str()).into_any()
}
