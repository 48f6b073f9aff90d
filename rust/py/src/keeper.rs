//! What was given out of an answer, for who wants the whole of it: `Keeper`, which puts it into a list of Python's.
//!
//! Owns how little that is. What is made of the list, and when it is made shorter, is for `_kept.Kept`.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::PyTraverseError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::classes::{Classes, classes};
use crate::exclusive::Exclusive;

/// For one reader at a time.
pub(crate) struct Keeper {
    kept: Py<PyList>,
    /// What was kept last, where it is a delta, which holds nothing but texts.
    last: Exclusive<Option<Py<PyAny>>>,
    most: usize,
    /// How many were given since it was full.
    given: AtomicUsize,
}

impl Keeper {
    pub(crate) fn new(kept: Py<PyList>, most: usize) -> Self {
        Self { kept, last: Exclusive::new(None), most, given: AtomicUsize::new(0) }
    }

    /// Keeps what is given out: of more deltas of one block the texts. Strings do not count for the cyclic collector, and
    /// deltas do as long as they live: it would look through the whole process every few thousand of them.
    pub(crate) fn keep(&self, events: &Bound<'_, PyList>) -> PyResult<()> {
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

    /// Others may keep events behind ours from now on.
    pub(crate) fn rest(&self, py: Python<'_>) {
        drop(self.last.enter(py, Option::take));
    }

    /// Whether it is time for who keeps the events to look at them. Says that once.
    pub(crate) fn is_full(&self) -> bool {
        let full = self.given.load(Ordering::Relaxed) >= self.most;
        if full {
            self.given.store(0, Ordering::Relaxed);
        }
        full
    }

    /// For the cyclic collector.
    pub(crate) fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.kept)
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
