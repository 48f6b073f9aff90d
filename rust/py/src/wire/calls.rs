//! The Python code that a wire runs: whoever waits, and what pauses reading.

use pyo3::intern;
use pyo3::prelude::*;

use crate::decoder::Decoder;
use crate::waiter::{self, Waiter};

/// What is to be called, and let go of, once the wire is free again: both run Python code, which may come back.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) waiter: Option<Py<PyAny>>,
    pub(super) pause: Option<Py<PyAny>>,
    pub(super) spent: Option<Py<Decoder>>,
}

impl Calls {
    pub(super) fn make(self, py: Python<'_>) -> PyResult<()> {
        drop(self.spent);
        // Who is woken may take all there is at once, and is the one to resume: reading is paused before.
        let paused = self.pause.map_or(Ok(()), |pause| pause.call0(py).map(|_| ()));
        let woken = self.waiter.map_or(Ok(()), |waiter| wake(waiter.bind(py)));
        both(py, woken, paused)
    }
}

/// The first failure; a second one is reported as what cannot be raised.
pub(super) fn both(py: Python<'_>, first: PyResult<()>, second: PyResult<()>) -> PyResult<()> {
    match (first, second) {
        (Err(first), Err(second)) => {
            second.write_unraisable(py, None);
            Err(first)
        }
        (first, second) => first.and(second),
    }
}

/// A waiter that was cancelled meanwhile is left alone.
fn wake(waiter: &Bound<'_, PyAny>) -> PyResult<()> {
    if let Ok(own) = waiter.cast::<Waiter>() {
        return waiter::wake(own);
    }
    let py = waiter.py();
    if waiter.call_method0(intern!(py, "done"))?.is_truthy()? {
        return Ok(());
    }
    waiter.call_method1(intern!(py, "set_result"), (py.None(),)).map(drop)
}
