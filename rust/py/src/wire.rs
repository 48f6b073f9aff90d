//! `_core.Wire`: the reading half of one connection as a Python object.
//!
//! Owns the crossing: bytes that a transport read, into a buffer that it was given here, become events of the decoder
//! that it brought, and one call wakes whoever waits. Owns no socket, no time limit and no request. The GIL is held
//! throughout, as in `decoder`.

mod calls;
mod state;

use std::time::Instant;

use pyo3::PyTraverseError;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyList, PyMemoryView, PyTuple};

use crate::decoder::{Decoder, copied};
use crate::exclusive::Exclusive;
use crate::waiter::Waiter;
use crate::wire::calls::{Calls, both};
use crate::wire::state::{State, described};

/// An event or two are copied to where the processor has been just now, and without asking for memory.
const SMALL_READ: usize = 1 << 10;

/// One connection's answers. Made by the transports of `zen_native.transport`.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Wire {
    inner: Exclusive<State>,
    /// Holds the size of the buffer fixed while it lives.
    buffer: PyBuffer<u8>,
    view: Py<PyMemoryView>,
}

#[pymethods]
impl Wire {
    #[new]
    #[pyo3(signature = (buffer, *, max_head_bytes))]
    fn new(buffer: &Bound<'_, PyByteArray>, max_head_bytes: usize) -> PyResult<Self> {
        Ok(Self {
            inner: Exclusive::new(State::new(max_head_bytes)),
            buffer: PyBuffer::get(buffer)?,
            view: PyMemoryView::from(buffer)?.unbind(),
        })
    }

    /// The next answer is that to a request with this method.
    #[pyo3(signature = (method, decoder))]
    fn begin(&self, py: Python<'_>, method: &str, decoder: Option<Py<Decoder>>) -> PyResult<()> {
        let old = self.with(py, |inner| {
            if inner.exchange.under_way() {
                return Err(PyRuntimeError::new_err("the last answer has not ended"));
            }
            Ok(inner.begin(method, decoder))
        })?;
        drop(old);
        Ok(())
    }

    /// Where the next bytes are to be written.
    #[pyo3(signature = (sizehint, /))]
    fn get_buffer<'py>(&self, py: Python<'py>, sizehint: &Bound<'py, PyAny>) -> Bound<'py, PyMemoryView> {
        let _ = sizehint;
        self.view(py)
    }

    /// So many bytes were written.
    #[pyo3(signature = (nbytes, /))]
    pub(crate) fn buffer_updated(&self, py: Python<'_>, nbytes: usize) -> PyResult<()> {
        if nbytes > self.buffer.len_bytes() {
            return Err(PyValueError::new_err("more bytes than the buffer has"));
        }
        // A copy: building events may run Python code, which could write into the buffer.
        let start = self.buffer.buf_ptr().cast::<u8>();
        // SAFETY: the buffer lives, and keeps its place and its size, as long as `self.buffer`; nothing runs meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(start, nbytes) };
        let mut small = [0; SMALL_READ];
        if let Some(copy) = small.get_mut(..nbytes) {
            copy.copy_from_slice(bytes);
            self.read(py, copy)
        } else {
            let copy = bytes.to_vec();
            self.read(py, &copy)
        }
    }

    /// The next bytes, where they were not written into the buffer.
    #[pyo3(signature = (data, /))]
    fn feed(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        match data.cast::<PyBytes>() {
            Ok(bytes) => self.read(py, bytes.as_bytes()),
            Err(_) => self.read(py, &copied(data)?),
        }
    }

    /// The server will send no more.
    fn eof(&self, py: Python<'_>) -> PyResult<()> {
        let calls = self.with(py, |inner| {
            inner.exchange.eof();
            Ok(inner.news(py))
        })?;
        calls.make(py)
    }

    /// The connection is gone.
    #[pyo3(signature = (error))]
    fn lost(&self, py: Python<'_>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(error) = error else { return self.eof(py) };
        let text = described(&error);
        let calls = self.with(py, |inner| {
            if inner.exchange.lost() {
                inner.lost = Some(text);
            }
            Ok(inner.news(py))
        })?;
        calls.make(py)
    }

    /// Who is woken when there is something to take, or the answer has ended. Waiting begins the idle time anew.
    #[pyo3(signature = (waiter))]
    fn wait(&self, py: Python<'_>, waiter: Option<Py<PyAny>>) -> PyResult<()> {
        let (old, calls) = self.with(py, |inner| {
            inner.last = Instant::now();
            let old = std::mem::replace(&mut inner.waiter, waiter);
            let ready = inner.pending() || inner.exchange.answer.ended;
            Ok((old, if ready { inner.news(py) } else { Calls::default() }))
        })?;
        drop(old);
        calls.make(py)
    }

    /// What is called once when reading should stop: so much is pending, or nothing that comes is of use any more.
    #[pyo3(signature = (pause))]
    fn pausing(&self, py: Python<'_>, pause: Option<Py<PyAny>>) -> PyResult<()> {
        let old = self.with(py, |inner| Ok(std::mem::replace(&mut inner.pause, pause)))?;
        drop(old);
        Ok(())
    }

    /// The events that are pending.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let events = self.with(py, |inner| {
            let events = inner.events.take();
            inner.taken();
            Ok(events)
        })?;
        Ok(events.map_or_else(|| PyList::empty(py), |events| events.into_bound(py)))
    }

    /// The bytes that are pending of a body that is not decoded.
    fn take_body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let body = self.with(py, |inner| {
            let body = std::mem::take(&mut inner.exchange.answer.raw);
            inner.taken();
            Ok(body)
        })?;
        Ok(PyBytes::new(py, &body))
    }

    /// Seconds since the last bytes, or since somebody began to wait for them.
    fn idle_seconds(&self, py: Python<'_>) -> PyResult<f64> {
        self.with(py, |inner| Ok(inner.last.elapsed().as_secs_f64()))
    }

    /// Status and fields, None while they have not come.
    #[getter]
    fn head(&self, py: Python<'_>) -> PyResult<Option<Py<PyTuple>>> {
        self.with(py, |inner| Ok(inner.head.as_ref().map(|head| head.clone_ref(py))))
    }

    /// Whether the body goes to the decoder.
    #[getter]
    fn decodes(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.exchange.answer.decodes))
    }

    /// Whether the answer is over: complete, cut or broken.
    #[getter]
    fn ended(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.exchange.answer.ended))
    }

    /// Why the answer is not complete.
    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.with(py, |inner| {
            let failure = inner.exchange.answer.failure;
            Ok(inner.lost.clone().or_else(|| failure.map(|failure| failure.message.to_owned())))
        })
    }

    /// Where it broke: `head`, `body`, or `lost` for the connection itself.
    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        self.with(py, |inner| {
            let failure = inner.exchange.answer.failure;
            Ok(if inner.lost.is_some() { Some("lost") } else { failure.map(|failure| failure.kind.as_str()) })
        })
    }

    /// Whether the connection can take another request.
    #[getter]
    fn reusable(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.exchange.ready()))
    }

    /// Whether any byte of the answer came.
    #[getter]
    fn received(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.exchange.answer.received))
    }

    /// The bytes of the body that came after the decoder was done.
    #[getter]
    fn skipped(&self, py: Python<'_>) -> PyResult<u64> {
        self.with(py, |inner| Ok(inner.exchange.answer.skipped))
    }

    /// Whether there is something to take.
    #[getter]
    fn pending(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.pending()))
    }

    /// Whether reading should stop, until something is taken where an answer may still come.
    #[getter]
    fn paused(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.paused))
    }

    /// For the cyclic collector. While somebody is inside, nothing is shown, and so nothing is taken for garbage.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector calls from an attached thread; the token only proves that, no object is touched.
        let py = unsafe { Python::assume_attached() };
        visit.call(&self.view)?;
        let seen = self.inner.enter(py, |inner| {
            visit.call(&inner.decoder)?;
            visit.call(&inner.head)?;
            visit.call(&inner.events)?;
            visit.call(&inner.pause)?;
            visit.call(&inner.waiter)
        });
        seen.unwrap_or(Ok(()))
    }

    /// Lets go of what may be part of a cycle.
    fn __clear__(&self, py: Python<'_>) {
        drop(self.inner.enter(py, |inner| {
            let held = (inner.decoder.take(), inner.head.take(), inner.events.take());
            (held, inner.pause.take(), inner.waiter.take())
        }));
    }
}

/// What `Wire::arrival` found.
pub(crate) enum Arrival {
    /// Events, and nothing else of note.
    Events(Py<PyList>),
    /// Nothing yet; the waiter will be woken.
    Nothing,
    /// Something that is to be looked at.
    Other,
}

impl Wire {
    /// Takes the events of an answer that goes on, or has `waiter` woken when there is something; without one, that
    /// there is nothing is of note.
    pub(crate) fn arrival(&self, py: Python<'_>, waiter: Option<&Py<Waiter>>) -> PyResult<Arrival> {
        let (arrival, old) = self.with(py, |inner| {
            if inner.paused || !inner.goes_on(py)? {
                return Ok((Arrival::Other, None));
            }
            if let Some(events) = inner.events.take() {
                inner.taken();
                return Ok((Arrival::Events(events), None));
            }
            let Some(waiter) = waiter else { return Ok((Arrival::Other, None)) };
            inner.last = Instant::now();
            waiter.get().suspend(py)?; // before anybody can wake it
            Ok((Arrival::Nothing, inner.waiter.replace(waiter.clone_ref(py).into_any())))
        })?;
        drop(old);
        Ok(arrival)
    }

    /// Takes the events of an answer that goes on, which may be none.
    pub(crate) fn more<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let events = self.with(py, |inner| {
            if !inner.goes_on(py)? {
                return Ok(None);
            }
            let events = inner.events.take();
            inner.taken();
            Ok(Some(events))
        })?;
        Ok(events.map(|events| events.map_or_else(|| PyList::empty(py), |events| events.into_bound(py))))
    }

    /// Where bytes are written.
    pub(crate) fn view<'py>(&self, py: Python<'py>) -> Bound<'py, PyMemoryView> {
        self.view.bind(py).clone()
    }

    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut State) -> PyResult<T>) -> PyResult<T> {
        let done = self.inner.enter(py, work);
        done.unwrap_or_else(|| Err(PyRuntimeError::new_err("the wire is in use by another thread")))
    }

    pub(crate) fn read(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        let (calls, outcome) = self.with(py, |inner| Ok(inner.read(py, bytes)))?;
        let called = calls.make(py);
        both(py, outcome, called)
    }
}
