//! `_core.Incoming`: the events of an answer, awaited where nothing else is to be done about it.
//!
//! Owns the way of a read to the task that waits for it: `await incoming` gives the events of the next read that brought
//! any. Whatever is not as simple as that - an end, a failure, a limit, somebody else who reads - it leaves alone, and
//! gives an empty list: whoever asked is to look for himself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::classes::{Classes, classes};
use crate::exclusive::Exclusive;
use crate::returned::returned;
use crate::waiter::Waiter;
use crate::wire::{Arrival, Wire};

/// For one task at a time, as often as it likes.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Incoming {
    wire: Py<Wire>,
    waiter: Py<Waiter>,
    kept: Py<PyList>,
    /// What was kept last, where it is a delta, which holds nothing but texts.
    last: Exclusive<Option<Py<PyAny>>>,
    most: usize,
    /// How many were given since an empty list was.
    given: AtomicUsize,
    suspended: AtomicBool,
    closed: AtomicBool,
}

#[pymethods]
impl Incoming {
    #[new]
    #[pyo3(signature = (wire, waiter, kept, most))]
    fn new(wire: Py<Wire>, waiter: Py<Waiter>, kept: Py<PyList>, most: usize) -> Self {
        let no = || AtomicBool::new(false);
        Self {
            wire,
            waiter,
            kept,
            last: Exclusive::new(None),
            most,
            given: AtomicUsize::new(0),
            suspended: no(),
            closed: no(),
        }
    }

    /// The wire serves another answer from now on.
    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether a task waits.
    #[getter]
    fn waiting(&self, py: Python<'_>) -> PyResult<bool> {
        self.waiter.get().waiting(py)
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The waiter, where there is something to wait for; otherwise the end, with the events.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<Waiter>>> {
        Ok(match self.find(py)? {
            Found::Wait(waiter) => Some(waiter),
            Found::Events(events) => returned(&events),
            Found::Nothing => returned(&PyList::empty(py)),
        })
    }

    /// For the cyclic collector.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.wire)?;
        visit.call(&self.waiter)?;
        visit.call(&self.kept)
    }
}

/// What there is for who reads.
pub(crate) enum Found<'py> {
    /// He is to be suspended on this.
    Wait(Py<Waiter>),
    Events(Bound<'py, PyList>),
    /// He is to look for himself.
    Nothing,
}

impl Incoming {
    /// The events of the next read, or the wait for it.
    pub(crate) fn find<'py>(&self, py: Python<'py>) -> PyResult<Found<'py>> {
        if self.closed.load(Ordering::Relaxed) || !self.waiter.get().free(py)? || self.is_full() {
            return Ok(self.nothing(py));
        }
        let suspends = if self.suspended.swap(false, Ordering::Relaxed) { None } else { Some(&self.waiter) };
        match self.wire.get().arrival(py, suspends)? {
            Arrival::Events(events) => {
                let events = events.into_bound(py);
                self.keep(&events)?;
                Ok(Found::Events(events))
            }
            Arrival::Nothing => {
                self.suspended.store(true, Ordering::Relaxed);
                Ok(Found::Wait(self.waiter.clone_ref(py)))
            }
            Arrival::Other => Ok(self.nothing(py)),
        }
    }

    /// Keeps what is given out: of more deltas of one block the texts. Strings do not count for the cyclic collector, and
    /// deltas do as long as they live: it would look through the whole process every few thousand of them.
    fn keep(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
        let py = events.py();
        let (kept, classes) = (self.kept.bind(py), classes(py)?);
        let done = self.last.enter(py, |last| {
            for event in events {
                if let Some(text) = last.as_ref().and_then(|last| more(classes, last.bind(py), &event)) {
                    kept.append(text)?;
                } else {
                    kept.append(&event)?;
                    *last = is_delta(classes, &event).then(|| event.unbind());
                }
            }
            Ok(())
        });
        self.given.fetch_add(events.len(), Ordering::Relaxed);
        done.unwrap_or_else(|| Err(PyRuntimeError::new_err("the answer is in use by another thread")))
    }

    /// The end of a wait without events. Others may keep events behind ours from now on.
    fn nothing<'py>(&self, py: Python<'py>) -> Found<'py> {
        drop(self.last.enter(py, Option::take));
        Found::Nothing
    }

    /// Whether it is time for who keeps the events to look at them.
    fn is_full(&self) -> bool {
        let full = self.given.load(Ordering::Relaxed) >= self.most;
        if full {
            self.given.store(0, Ordering::Relaxed);
        }
        full
    }
}

/// The text of a delta that is of the same kind and block as the one before.
fn more<'a, 'py>(
    classes: &Classes,
    last: &Bound<'py, PyAny>,
    event: &'a Bound<'py, PyAny>,
) -> Option<Borrowed<'a, 'py, PyAny>> {
    [&classes.text_delta, &classes.reasoning_delta].into_iter().find_map(|shape| {
        let (last, id) = (shape.value(last, 0)?, shape.value(event, 0)?);
        if last.is(id) { shape.value(event, 1) } else { None }
    })
}

fn is_delta(classes: &Classes, event: &Bound<'_, PyAny>) -> bool {
    [&classes.text_delta, &classes.reasoning_delta].into_iter().any(|shape| shape.value(event, 0).is_some())
}
