//! zen-py: the extension module `zen_native._core`, the only crate that knows Python.
//!
//! Owns the crossing of the border: bytes go in, lists of the event classes that `zen_native.events` defines come out; and
//! the long texts of requests as JSON. No thread, no runtime, nothing global but the table of those classes.

mod classes;
mod convert;
mod decoder;
mod error;
mod events;
mod exclusive;
mod incoming;
mod json;
mod keeper;
mod object;
#[cfg(target_os = "linux")]
mod poller;
mod returned;
mod steady;
mod tls;
mod waiter;
mod wire;

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// The native runtime of zen-native.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::classes::event_table;
    #[pymodule_export]
    use super::decoder::Decoder;
    #[pymodule_export]
    use super::decoder::names;
    #[pymodule_export]
    use super::incoming::Incoming;
    #[pymodule_export]
    use super::json::json_joined;
    #[cfg(target_os = "linux")]
    #[pymodule_export]
    use super::poller::Poller;
    #[pymodule_export]
    use super::steady::Steady;
    #[pymodule_export]
    use super::tls::TlsReader;
    #[pymodule_export]
    use super::waiter::Waiter;
    #[pymodule_export]
    use super::wire::Wire;

    use super::{Bound, PyModule, PyModuleMethods, PyResult, refuse_sub_interpreter};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        refuse_sub_interpreter(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// The table of classes belongs to one interpreter; in another one its events would be of foreign classes. Only some
/// versions of Python and `PyO3` refuse by themselves.
fn refuse_sub_interpreter(_: Python<'_>) -> PyResult<()> {
    // SAFETY: the token proves an attached thread, which has an interpreter; both calls only read.
    let interpreter = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if interpreter == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err("it serves the main interpreter alone, and this is a sub-interpreter"))
}
