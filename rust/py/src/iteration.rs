//! `_core.Iteration`: one loop over a stream whose events are awaited one by one, `async for event in stream`.
//!
//! Owns what of that happens for every event: the next of those that came, or the wait for more of them, without a
//! frame of Python in between. Whatever else there is to do - the first events, an end, a failure, another transport -
//! an asynchronous generator of the stream does, which also hangs up when this is dropped or an exception is thrown in.

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyTuple};

use crate::exclusive::Exclusive;
use crate::incoming::{Found, Incoming};
use crate::returned::returned;

/// For one task at a time.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Iteration {
    stream: Py<PyAny>,
    batches: Py<PyAny>,
    state: Exclusive<State>,
}

#[derive(Default)]
enum State {
    /// The generator has not begun, and could not hang up yet, or it is over: it is asked for all.
    #[default]
    Outside,
    /// Nobody waits.
    Idle,
    /// A task waits for a read.
    Waiting,
    /// A task waits for this step of the generator.
    Step(Py<PyAny>),
}

/// What a step of an awaitable comes to.
enum Outcome {
    Yields(Py<PyAny>),
    Returns(Py<PyAny>),
}

#[pymethods]
impl Iteration {
    #[new]
    #[pyo3(signature = (stream, batches, /))]
    fn new(stream: Py<PyAny>, batches: Py<PyAny>) -> Self {
        Self { stream, batches, state: Exclusive::new(State::Outside) }
    }

    fn __aiter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __anext__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __await__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().refuse_second(py)?;
        Ok(slf)
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match self.advance(py, None)? {
            Outcome::Yields(value) => Ok(Some(value)),
            Outcome::Returns(value) => Ok(returned(value.bind(py))),
        }
    }

    #[pyo3(signature = (value, /))]
    fn send(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.advance(py, Some(value))?.told()
    }

    #[pyo3(signature = (*error))]
    fn throw(&self, py: Python<'_>, error: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        let outcome = match self.swap(py, State::Idle)? {
            State::Step(step) => {
                let made = step.bind(py).call_method1(intern!(py, "throw"), error);
                self.stepped(py, step, made)
            }
            State::Outside => {
                self.swap(py, State::Outside)?;
                return Err(PyErr::from_value(error.get_item(0)?)); // one that is over would lose it
            }
            State::Idle | State::Waiting => {
                self.begin(py, self.batches.bind(py).call_method1(intern!(py, "athrow"), error)?)
            }
        };
        outcome?.told()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.swap(py, State::Idle)? {
            State::Step(step) => step.bind(py).call_method0(intern!(py, "close")).map(drop),
            State::Outside => self.swap(py, State::Outside).map(drop),
            State::Idle | State::Waiting => Ok(()),
        }
    }

    fn aclose<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.refuse_second(py)?;
        self.batches.bind(py).call_method0(intern!(py, "aclose"))
    }

    /// For the cyclic collector.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector calls from an attached thread; the token only proves that, no object is touched.
        let py = unsafe { Python::assume_attached() };
        visit.call(&self.stream)?;
        visit.call(&self.batches)?;
        let seen =
            self.state.enter(py, |state| if let State::Step(step) = state { visit.call(&*step) } else { Ok(()) });
        seen.unwrap_or(Ok(()))
    }

    /// Lets go of what may be part of a cycle.
    fn __clear__(&self, py: Python<'_>) {
        drop(self.state.enter(py, std::mem::take));
    }
}

impl Iteration {
    /// Another state for the one until now.
    fn swap(&self, py: Python<'_>, to: State) -> PyResult<State> {
        let past = self.state.enter(py, |state| std::mem::replace(state, to));
        past.ok_or_else(|| PyRuntimeError::new_err("the iteration is in use by another thread"))
    }

    /// Raises where a task waits.
    fn refuse_second(&self, py: Python<'_>) -> PyResult<()> {
        match self.state.enter(py, |state| matches!(state, State::Outside | State::Idle)) {
            Some(true) => Ok(()),
            _ => Err(PyRuntimeError::new_err("another task or thread is reading this stream")),
        }
    }

    /// The next step of the task that awaits this.
    fn advance(&self, py: Python<'_>, value: Option<&Bound<'_, PyAny>>) -> PyResult<Outcome> {
        match self.swap(py, State::Idle)? {
            State::Idle | State::Waiting => self.look(py),
            State::Outside => self.next_batch(py),
            State::Step(step) => {
                let none = py.None().into_bound(py);
                let made = step.bind(py).call_method1(intern!(py, "send"), (value.unwrap_or(&none),));
                self.stepped(py, step, made)
            }
        }
    }

    /// The next event of those that came, or the wait for the next read.
    fn look(&self, py: Python<'_>) -> PyResult<Outcome> {
        let stream = self.stream.bind(py);
        let pending = stream.getattr(intern!(py, "_pending"))?;
        if let Some(event) = pending.cast_into::<PyIterator>()?.next() {
            return Ok(Outcome::Returns(event?.unbind()));
        }
        let incoming = stream.getattr(intern!(py, "_incoming"))?;
        if let Ok(incoming) = incoming.cast::<Incoming>() {
            match incoming.get().find(py)? {
                Found::Wait(waiter) => {
                    self.swap(py, State::Waiting)?;
                    return Ok(Outcome::Yields(waiter.into_any()));
                }
                Found::Events(events) => return self.first_of(&events),
                Found::Nothing => {}
            }
        }
        self.next_batch(py)
    }

    /// Gives the first, and leaves the others to who comes next.
    fn first_of(&self, events: &Bound<'_, PyList>) -> PyResult<Outcome> {
        let py = events.py();
        let first = events.get_item(0)?;
        if events.len() > 1 {
            let mut pending = events.try_iter()?;
            pending.next();
            self.stream.bind(py).setattr(intern!(py, "_pending"), pending)?;
        }
        Ok(Outcome::Returns(first.unbind()))
    }

    /// Asks the generator.
    fn next_batch(&self, py: Python<'_>) -> PyResult<Outcome> {
        self.begin(py, self.batches.bind(py).call_method0(intern!(py, "__anext__"))?)
    }

    /// The first step of what the generator is to do.
    fn begin(&self, py: Python<'_>, step: Bound<'_, PyAny>) -> PyResult<Outcome> {
        let made = step.call_method1(intern!(py, "send"), (py.None(),));
        self.stepped(py, step.unbind(), made)
    }

    /// What the generator's step came to: it goes on, fails, or gave events; none of them to look again.
    fn stepped(&self, py: Python<'_>, step: Py<PyAny>, made: PyResult<Bound<'_, PyAny>>) -> PyResult<Outcome> {
        match made {
            Ok(yielded) => {
                self.swap(py, State::Step(step))?;
                Ok(Outcome::Yields(yielded.unbind()))
            }
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                let events = error.value(py).getattr(intern!(py, "value"))?.cast_into::<PyList>()?;
                if events.is_empty() { self.look(py) } else { self.first_of(&events) }
            }
            Err(error) => {
                self.swap(py, State::Outside)?;
                Err(error)
            }
        }
    }
}

impl Outcome {
    fn told(self) -> PyResult<Py<PyAny>> {
        match self {
            Self::Yields(value) => Ok(value),
            Self::Returns(value) => Err(PyStopIteration::new_err(value)),
        }
    }
}
