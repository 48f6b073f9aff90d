//! How `__next__` of an awaitable tells its result.
//!
//! Owns that one step. An error of `PyO3` makes an instance of `StopIteration`, which takes a tenth of a microsecond;
//! whoever awaits needs the value alone. From Python 3.12 on an instance is made all the same.

use pyo3::ffi;
use pyo3::prelude::*;

/// Ends the awaitable with `value`, which is neither a tuple nor an exception. The `None` is to be returned at once: to
/// `PyO3` it is the end of an iterator, and Python looks for what is set here.
pub(crate) fn returned<T>(value: &Bound<'_, PyAny>) -> Option<T> {
    // SAFETY: both are live objects, and the token of `value` proves an attached thread.
    unsafe { ffi::PyErr_SetObject(ffi::PyExc_StopIteration, value.as_ptr()) };
    None
}
