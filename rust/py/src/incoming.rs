//! `_core.Incoming`: the events of an answer, awaited where nothing else is to be done about it.
//!
//! Owns the way of a read to the task that waits for it: `await incoming` gives the events of the next read that brought
//! any. Whatever is not as simple as that - an end, a failure, a limit, somebody else who reads - it leaves alone, and
//! gives an empty list: whoever asked is to look for himself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pyo3::PyTraverseError;
use pyo3::exceptions::PyStopIteration;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::waiter::Waiter;
use crate::wire::{Arrival, Wire};

/// For one task at a time, as often as it likes.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Incoming {
    wire: Py<Wire>,
    waiter: Py<Waiter>,
    kept: Py<PyList>,
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
        Self { wire, waiter, kept, most, given: AtomicUsize::new(0), suspended: no(), closed: no() }
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
    fn __next__(&self, py: Python<'_>) -> PyResult<Py<Waiter>> {
        if self.closed.load(Ordering::Relaxed) || !self.waiter.get().free(py)? || self.is_full() {
            return Err(ending(PyList::empty(py)));
        }
        let suspends = if self.suspended.swap(false, Ordering::Relaxed) { None } else { Some(&self.waiter) };
        match self.wire.get().arrival(py, suspends)? {
            Arrival::Events(events) => {
                let events = events.into_bound(py);
                let end = self.kept.bind(py).len();
                self.kept.bind(py).set_slice(end, end, &events)?;
                self.given.fetch_add(events.len(), Ordering::Relaxed);
                Err(ending(events))
            }
            Arrival::Nothing => {
                self.suspended.store(true, Ordering::Relaxed);
                Ok(self.waiter.clone_ref(py))
            }
            Arrival::Other => Err(ending(PyList::empty(py))),
        }
    }

    /// For the cyclic collector.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.wire)?;
        visit.call(&self.waiter)?;
        visit.call(&self.kept)
    }
}

impl Incoming {
    /// Whether it is time for who keeps the events to look at them.
    fn is_full(&self) -> bool {
        let full = self.given.load(Ordering::Relaxed) >= self.most;
        if full {
            self.given.store(0, Ordering::Relaxed);
        }
        full
    }
}

/// How an iterator ends that is awaited: with its result.
fn ending(events: Bound<'_, PyList>) -> PyErr {
    PyStopIteration::new_err(events.unbind())
}
