//! `_core.Incoming`: the events of an answer, awaited where nothing else is to be done about it.
//!
//! Owns the way of a read to the task that waits for it: `await incoming` gives the events of the next read that brought
//! any. Whatever is not as simple as that - an end, a failure, a limit, somebody else who reads - it leaves alone, and
//! gives an empty list: whoever asked is to look for himself.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::keeper::Keeper;
use crate::returned::returned;
use crate::waiter::Waiter;
use crate::wire::{Arrival, Wire};

/// For one task at a time, as often as it likes.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Incoming {
    wire: Py<Wire>,
    waiter: Py<Waiter>,
    keeper: Keeper,
    suspended: AtomicBool,
    closed: AtomicBool,
}

#[pymethods]
impl Incoming {
    #[new]
    #[pyo3(signature = (wire, waiter, kept, most))]
    fn new(wire: Py<Wire>, waiter: Py<Waiter>, kept: Py<PyList>, most: usize) -> Self {
        let no = || AtomicBool::new(false);
        Self { wire, waiter, keeper: Keeper::new(kept, most), suspended: no(), closed: no() }
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
        self.keeper.visit(&visit)
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
        if self.closed.load(Ordering::Relaxed) || !self.waiter.get().free(py)? || self.keeper.is_full() {
            return Ok(self.nothing(py));
        }
        let suspends = if self.suspended.swap(false, Ordering::Relaxed) { None } else { Some(&self.waiter) };
        match self.wire.get().arrival(py, suspends)? {
            Arrival::Events(events) => {
                let events = events.into_bound(py);
                self.keeper.keep(&events)?;
                Ok(Found::Events(events))
            }
            Arrival::Nothing => {
                self.suspended.store(true, Ordering::Relaxed);
                Ok(Found::Wait(self.waiter.clone_ref(py)))
            }
            Arrival::Other => Ok(self.nothing(py)),
        }
    }

    fn nothing<'py>(&self, py: Python<'py>) -> Found<'py> {
        self.keeper.rest(py);
        Found::Nothing
    }
}
