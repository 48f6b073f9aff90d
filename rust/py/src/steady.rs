//! `_core.Steady`: the events of an answer, for who reads its connection himself.
//!
//! Owns what of that happens after every read: `take()` gives the events that it brought. Whatever is not as simple as
//! that - an end, a failure - it leaves alone, and says so: whoever asked is to look for himself.

use pyo3::PyTraverseError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::keeper::Keeper;
use crate::wire::Wire;

/// For one thread at a time.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Steady {
    wire: Py<Wire>,
    keeper: Keeper,
}

#[pymethods]
impl Steady {
    #[new]
    #[pyo3(signature = (wire, kept, most))]
    fn new(wire: Py<Wire>, kept: Py<PyList>, most: usize) -> Self {
        Self { wire, keeper: Keeper::new(kept, most) }
    }

    /// The events that have come, which may be none; None where somebody is to look, and this is over.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let more = if self.keeper.is_full() { None } else { self.wire.get().more(py)? };
        if let Some(events) = &more {
            self.keeper.keep(events)?;
        }
        Ok(more)
    }

    /// For the cyclic collector.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.wire)?;
        self.keeper.visit(&visit)
    }
}
