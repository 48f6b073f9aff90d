//! `_core.Waiter`: how a task of asyncio waits, and how it is resumed; what of that happens for every read.
//!
//! Owns the part of a future that a task asks for each time. What happens seldom - a cancelled task, a loop that has to
//! resume it later - is for the class in Python that extends it, `waiting.Waiter`.

use pyo3::PyTraverseError;
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError, PySystemExit};
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::exclusive::Exclusive;

/// For one task at a time, again and again.
#[pyclass(frozen, subclass, module = "zen_native._core")]
pub(crate) struct Waiter {
    inner: Exclusive<Inner>,
    event_loop: Py<PyAny>,
    /// A future of that loop that has ended with None. A task that is resumed asks it for its result, not this: what is
    /// no future of asyncio's own takes far longer to be asked.
    done: Py<PyAny>,
}

/// What resumes the task, and the context in which it does.
type Callback = (Py<PyAny>, Py<PyAny>);

#[derive(Default)]
struct Inner {
    waiting: bool,
    /// Whoever waits next is to look for himself.
    reminded: bool,
    blocking: bool,
    callback: Option<Callback>,
    /// Until the task hears of it.
    cancelled: Option<Py<PyTuple>>,
}

impl Inner {
    /// Whether a task waits, or will go on from its wait with nothing but that it is cancelled.
    fn taken(&self) -> bool {
        self.waiting || self.cancelled.is_some()
    }
}

#[pymethods]
impl Waiter {
    #[new]
    #[pyo3(signature = (event_loop, done, /))]
    fn new(event_loop: Py<PyAny>, done: Py<PyAny>) -> Self {
        Self { inner: Exclusive::new(Inner::default()), event_loop, done }
    }

    /// Something is waited for from now on.
    fn expect(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| {
            if inner.taken() {
                return Err(PyRuntimeError::new_err("another task is waiting for the same stream"));
            }
            inner.waiting = true;
            Ok(())
        })
    }

    /// Whether a task waits.
    #[getter]
    pub(crate) fn waiting(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.taken()))
    }

    /// Something is to be done before the next wait: whoever comes is to look for himself.
    fn remind(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| {
            inner.reminded = true;
            Ok(())
        })
    }

    /// The waiting is over: what resumes the task and in which context, where it is suspended.
    fn resumed(&self, py: Python<'_>) -> PyResult<Option<Callback>> {
        self.with(py, |inner| {
            inner.waiting = false;
            Ok(inner.callback.take())
        })
    }

    /// The waiting is over because the task is being cancelled. False where nobody waits.
    #[pyo3(signature = (arguments, /))]
    fn cancelling(&self, py: Python<'_>, arguments: Py<PyTuple>) -> PyResult<bool> {
        self.with(py, |inner| {
            let waiting = std::mem::take(&mut inner.waiting);
            if waiting {
                inner.cancelled = Some(arguments);
            }
            Ok(waiting)
        })
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Py<Self>>> {
        let suspends = slf.get().with(slf.py(), |inner| {
            inner.blocking = inner.waiting;
            Ok(inner.waiting)
        })?;
        Ok(suspends.then(|| slf.clone().unbind()))
    }

    #[getter(_asyncio_future_blocking)]
    fn blocking(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.blocking))
    }

    #[setter(_asyncio_future_blocking)]
    fn set_blocking(&self, py: Python<'_>, blocking: bool) -> PyResult<()> {
        self.with(py, |inner| {
            inner.blocking = blocking;
            Ok(())
        })
    }

    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (callback, /, *, context))]
    fn add_done_callback(slf: &Bound<'_, Self>, callback: Py<PyAny>, context: Py<PyAny>) -> PyResult<()> {
        let py = slf.py();
        let (past, waiting) = slf.get().with(py, |inner| {
            let past = (inner.callback.replace((callback, context)), inner.cancelled.take());
            Ok((past, inner.waiting))
        })?;
        drop(past);
        if waiting { Ok(()) } else { slf.call_method0(intern!(py, "resume_later")).map(drop) }
    }

    fn cancelled(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(inner.cancelled.is_some()))
    }

    fn result(&self, py: Python<'_>) -> PyResult<()> {
        let cancelled = self.with(py, |inner| Ok(inner.cancelled.take()))?;
        cancelled.map_or(Ok(()), |arguments| Err(CancelledError::new_err(arguments)))
    }

    /// For the cyclic collector: a task and what it waits on hold each other.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector calls from an attached thread; the token only proves that, no object is touched.
        let py = unsafe { Python::assume_attached() };
        visit.call(&self.event_loop)?;
        visit.call(&self.done)?;
        let seen = self.inner.enter(py, |inner| {
            if let Some((callback, context)) = &inner.callback {
                visit.call(callback)?;
                visit.call(context)?;
            }
            visit.call(&inner.cancelled)
        });
        seen.unwrap_or(Ok(()))
    }

    /// Lets go of what may be part of a cycle.
    fn __clear__(&self, py: Python<'_>) {
        drop(self.inner.enter(py, |inner| (inner.callback.take(), inner.cancelled.take())));
    }
}

impl Waiter {
    /// Whether nobody waits, and nothing is to be done before somebody does. Says that once.
    pub(crate) fn free(&self, py: Python<'_>) -> PyResult<bool> {
        self.with(py, |inner| Ok(!std::mem::take(&mut inner.reminded) && !inner.taken()))
    }

    /// A task waits from now on, and is about to be suspended.
    pub(crate) fn suspend(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |inner| {
            (inner.waiting, inner.blocking) = (true, true);
            Ok(())
        })
    }

    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Inner) -> PyResult<T>) -> PyResult<T> {
        let done = self.inner.enter(py, work);
        done.unwrap_or_else(|| Err(PyRuntimeError::new_err("the waiter is in use by another thread")))
    }
}

/// Resumes the task within this call, where no other one is running.
pub(crate) fn wake(waiter: &Bound<'_, Waiter>) -> PyResult<()> {
    let py = waiter.py();
    let Some((callback, context)) = waiter.get().resumed(py)? else { return Ok(()) };
    // SAFETY: all are live objects, and null ends the arguments. `call_method1` would make a method and a tuple, which
    // costs as much as the call, and this one is made for every read.
    let returned = unsafe {
        let end = std::ptr::null_mut::<ffi::PyObject>();
        let (run, callback, done) = (intern!(py, "run").as_ptr(), callback.as_ptr(), waiter.get().done.as_ptr());
        Bound::from_owned_ptr_or_err(py, ffi::PyObject_CallMethodObjArgs(context.as_ptr(), run, callback, done, end))
    };
    let Err(error) = returned else { return Ok(()) };
    waiter.call_method1(intern!(py, "not_resumed"), (callback, context, error.into_value(py))).map(drop)
}

/// As asyncio sees it.
pub(crate) fn ends_the_loop(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}
