//! `_core.Decoder`: the core's decoder as a Python object.
//!
//! Owns the guard against a second user and the rule when a failure is raised; the GIL is held throughout, because a
//! read is decoded in microseconds and handing the GIL over costs more.

use std::sync::Arc;

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView};
use zen_core::decoder::Decoder as Core;
use zen_core::frame::Limits;
use zen_core::framing::FRAMINGS;
use zen_core::json::limit_digits;
use zen_core::options::Options;
use zen_core::protocol::PROTOCOLS;
use zen_net::exchange::Target;

use crate::classes::{Classes, classes};
use crate::error::exception;
use crate::events::{Builder, Strings};
use crate::exclusive::Exclusive;

/// Decodes one response. Made by `zen_native.Decoder`, which says what each option means.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Decoder {
    inner: Exclusive<Inner>,
    plan: Arc<Plan>,
}

/// What a decoder is made of, shared by those that were made after it.
struct Plan {
    protocol: String,
    framing: String,
    options: Options,
}

struct Inner {
    core: Core,
    strings: Strings,
    ended: bool,
    error: Option<Py<PyAny>>,
}

/// The names of all protocols and of all framings.
#[pyfunction]
pub(crate) fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    (PROTOCOLS.to_vec(), FRAMINGS.to_vec())
}

#[pymethods]
impl Decoder {
    #[new]
    #[pyo3(signature = (protocol, framing, *, provider, max_event_bytes, max_frame_bytes, max_header_bytes,
        max_response_bytes, think_tags, trailing_cost, require_finish_reason, raw_events))]
    #[allow(clippy::too_many_arguments, reason = "keywords of a Python constructor")]
    #[allow(clippy::fn_params_excessive_bools, reason = "keywords of a Python constructor")]
    fn new(
        py: Python<'_>,
        protocol: String,
        framing: String,
        provider: String,
        max_event_bytes: usize,
        max_frame_bytes: usize,
        max_header_bytes: usize,
        max_response_bytes: Option<u64>,
        think_tags: Vec<String>,
        trailing_cost: bool,
        require_finish_reason: bool,
        raw_events: bool,
    ) -> PyResult<Self> {
        let limits = Limits { max_event_bytes, max_frame_bytes, max_header_bytes, max_response_bytes };
        let options = Options { provider, limits, think_tags, trailing_cost, require_finish_reason, raw_events };
        Self::planned(py, Arc::new(Plan { protocol, framing, options }))
    }

    /// Another one of the same kind, for another response.
    fn fresh(&self, py: Python<'_>) -> PyResult<Self> {
        Self::planned(py, Arc::clone(&self.plan))
    }

    /// The events of the next bytes.
    #[pyo3(signature = (data, /))]
    fn feed<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        self.with(py, |inner| {
            inner.check(py)?;
            if inner.ended {
                return Err(PyRuntimeError::new_err("feed() after finish()"));
            }
            if let Ok(bytes) = data.cast::<PyBytes>() {
                return self.run(py, inner, |core, builder| core.feed(bytes.as_bytes(), builder));
            }
            let copy = copied(data)?;
            self.run(py, inner, |core, builder| core.feed(&copy, builder))
        })
    }

    /// The events of the end of the body.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.with(py, |inner| {
            inner.check(py)?;
            inner.ended = true;
            let events = self.run(py, inner, |core, builder| core.finish(builder))?;
            if events.is_empty() {
                inner.check(py)?;
            }
            Ok(events)
        })
    }

    /// What ended the decoding, None while nothing did.
    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.with(py, |inner| Ok(inner.error.as_ref().map(|error| error.clone_ref(py))))
    }

    /// Whether nothing more can come: the finish was given out, or the stream failed.
    #[getter]
    fn done(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.state().1))
    }

    /// Whether the answer is complete. Until `done`, a charge may follow it.
    #[getter]
    fn answered(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.core.answered()))
    }

    /// For the cyclic collector: a raised error holds the frames it went through, which may hold this decoder. While
    /// somebody is inside, nothing is shown, and so nothing is taken for garbage.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector calls from an attached thread; the token only proves that, no object is touched.
        let py = unsafe { Python::assume_attached() };
        self.inner.enter(py, |inner| visit.call(&inner.error)).unwrap_or(Ok(()))
    }

    /// Lets go of what may be part of a cycle.
    fn __clear__(&self, py: Python<'_>) {
        drop(self.inner.enter(py, |inner| inner.error.take()));
    }
}

impl Decoder {
    fn planned(py: Python<'_>, plan: Arc<Plan>) -> PyResult<Self> {
        // 0 is no ceiling.
        let digits: usize = max_digits(py)?.call0(py)?.extract(py)?;
        limit_digits(if digits == 0 { usize::MAX } else { digits });
        let Plan { protocol, framing, options } = &*plan;
        let core = Core::new(protocol, framing, options)
            .ok_or_else(|| PyValueError::new_err(format!("unknown protocol or framing: {protocol}, {framing}")))?;
        let strings = Strings::new(py, &options.provider);
        Ok(Self { inner: Exclusive::new(Inner { core, strings, ended: false, error: None }), plan })
    }

    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Inner) -> PyResult<T>) -> PyResult<T> {
        let done = self.inner.enter(py, work);
        done.unwrap_or_else(|| Err(PyRuntimeError::new_err("the decoder is in use by another thread")))
    }

    /// Whether the answer is not complete, and nothing failed.
    pub(crate) fn goes_on(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.state() == (false, false)))
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        inner: &mut Inner,
        work: impl FnOnce(&mut Core, &mut Builder<'py, '_>),
    ) -> PyResult<Bound<'py, PyList>> {
        let classes = classes(py)?;
        let mut builder = Builder::new(py, classes, &mut inner.strings, None);
        work(&mut inner.core, &mut builder);
        let (events, failure) = builder.into_parts();
        if failure.is_some() || inner.core.error.is_some() {
            inner.settle(py, classes, failure, &self.plan.options.provider)?;
        }
        Ok(events.unwrap_or_else(|| PyList::empty(py)))
    }

    /// Lets `work` feed the core, or tells it that nothing more is decoded. The events go behind those in `events`;
    /// whether `answered` or `done` changed. What goes wrong is left in `error`, for the owner of the decoder.
    pub(crate) fn drive(
        &self,
        py: Python<'_>,
        events: &mut Option<Py<PyList>>,
        work: impl FnOnce(Option<Target<'_>>),
    ) -> PyResult<bool> {
        self.with(py, |inner| {
            let before = inner.state();
            if inner.error.is_some() {
                work(None);
                return Ok(false);
            }
            let classes = classes(py)?;
            let list = events.take().map(|events| events.into_bound(py));
            let mut builder = Builder::new(py, classes, &mut inner.strings, list);
            work(Some((&mut inner.core, &mut builder)));
            let (list, failure) = builder.into_parts();
            *events = list.map(Bound::unbind);
            if failure.is_some() || inner.core.error.is_some() {
                drop(inner.settle(py, classes, failure, &self.plan.options.provider));
            }
            Ok(inner.state() != before)
        })
    }
}

impl Inner {
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        match &self.error {
            None => Ok(()),
            Some(error) => Err(PyErr::from_value(error.bind(py).clone())),
        }
    }

    /// `answered` and `done`.
    fn state(&self) -> (bool, bool) {
        (self.core.answered(), self.core.done() || self.error.is_some())
    }

    /// Keeps what went wrong. Where it was in building, events are lost: whoever goes on must hear of it again.
    #[cold]
    fn settle(&mut self, py: Python<'_>, classes: &Classes, failure: Option<PyErr>, provider: &str) -> PyResult<()> {
        let outcome = match (failure, &self.core.error) {
            (Some(failure), _) => Err(failure),
            (None, Some(error)) if self.error.is_none() => exception(py, classes, error, provider).map(Some),
            (None, _) => Ok(None),
        };
        match &outcome {
            Ok(None) => {}
            Ok(Some(error)) => self.error = Some(error.clone().unbind()),
            Err(failure) => self.error = Some(failure.value(py).clone().into_any().unbind()),
        }
        outcome.map(|_| ())
    }
}

/// `sys.get_int_max_str_digits`: to import `sys` for every answer would take as long as all the rest of a decoder.
fn max_digits(py: Python<'_>) -> PyResult<&Py<PyAny>> {
    static FOUND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    FOUND.get_or_try_init(py, || Ok(py.import("sys")?.getattr("get_int_max_str_digits")?.unbind()))
}

/// What a caller may change later, or what is no `bytes`.
pub(crate) fn copied(data: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(array) = data.cast::<PyByteArray>() {
        return Ok(array.to_vec());
    }
    if data.is_instance_of::<PyMemoryView>() {
        return data.call_method0("tobytes")?.extract();
    }
    Err(PyTypeError::new_err("data must be bytes, bytearray or memoryview"))
}
