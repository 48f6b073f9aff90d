//! A core error as the public Python exception.
//!
//! Owns no classification: `zen_native.errors.decode_error` makes the exception for both runtimes.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use zen_core::error::DecodeError;

use crate::classes::Classes;
use crate::convert;

/// The exception that `zen_native.errors` makes of a failure.
pub(crate) fn exception<'py>(
    py: Python<'py>,
    classes: &Classes,
    error: &DecodeError,
    provider: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let payload = error.payload.as_ref().map(|payload| convert::object(py, payload)).transpose()?;
    let named = PyDict::new(py);
    named.set_item("body", error.body.as_deref())?;
    named.set_item("payload", payload)?;
    named.set_item("name", &error.name)?;
    named.set_item("provider", provider)?;
    classes.decode_error.bind(py).call((error.kind.as_str(), &error.message), Some(&named))
}
