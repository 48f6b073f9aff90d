//! What a wire holds: the exchange, what is pending of it, and who waits for it.
//!
//! Owns when there is something to say, and to whom. Calls nobody: see `calls`.

use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use zen_net::exchange::Exchange;
use zen_net::head::Head;

use crate::decoder::Decoder;
use crate::wire::calls::Calls;

/// So many bytes may have been read for a consumer who takes nothing, before reading should stop.
const HIGH_WATER: usize = 256 << 10;

/// One connection, seen by one caller at a time.
pub(super) struct State {
    pub(super) exchange: Exchange,
    pub(super) decoder: Option<Py<Decoder>>,
    pub(super) head: Option<Py<PyTuple>>,
    pub(super) events: Option<Py<PyList>>,
    /// How many bytes were read since the consumer took anything.
    pub(super) unclaimed: usize,
    pub(super) paused: bool,
    pub(super) pause: Option<Py<PyAny>>,
    pub(super) waiter: Option<Py<PyAny>>,
    /// How the connection broke in the middle of an answer.
    pub(super) lost: Option<String>,
    pub(super) last: Instant,
}

/// What is left of an answer.
pub(super) type Past = (Option<Py<Decoder>>, Option<Py<PyTuple>>, Option<Py<PyList>>);

impl State {
    pub(super) fn new(max_head_bytes: usize) -> Self {
        Self {
            exchange: Exchange::new(max_head_bytes),
            decoder: None,
            head: None,
            events: None,
            unclaimed: 0,
            paused: false,
            pause: None,
            waiter: None,
            lost: None,
            last: Instant::now(),
        }
    }

    /// The next answer is that to a request with this method. The caller lets go of what is returned when the wire is
    /// free, because that may run Python code.
    pub(super) fn begin(&mut self, method: &str, decoder: Option<Py<Decoder>>) -> Past {
        self.exchange.begin(method, decoder.is_some());
        self.unclaimed = 0;
        self.lost = None;
        self.last = Instant::now();
        // The last answer let go of its decoder; one that has ended already needs none.
        self.decoder = decoder;
        let spent = if self.exchange.answer.ended { self.decoder.take() } else { None };
        (spent, self.head.take(), self.events.take())
    }

    /// What Python code prevents from being read breaks the answer off, and is raised as well.
    pub(super) fn read(&mut self, py: Python<'_>, bytes: &[u8]) -> (Calls, PyResult<()>) {
        self.last = Instant::now();
        match self.try_read(py, bytes) {
            Ok(true) => (self.news_of_read(py), Ok(())),
            Ok(false) => (Calls::default(), Ok(())),
            Err(failure) => {
                if self.exchange.lost() {
                    self.lost = Some(described(failure.value(py)));
                }
                (self.news(py), Err(failure))
            }
        }
    }

    /// Whether there is something to say.
    fn try_read(&mut self, py: Python<'_>, bytes: &[u8]) -> PyResult<bool> {
        let skipped = self.exchange.answer.skipped;
        let ended = self.exchange.answer.ended;
        let mut news = false;
        if let Some(decoder) = &self.decoder {
            news = decoder.get().drive(py, &mut self.events, |target| self.exchange.feed(bytes, target))?;
        } else {
            self.exchange.feed(bytes, None);
        }
        if let Some(head) = self.exchange.answer.head.take() {
            self.head = Some(converted(py, &head)?.unbind());
            news = true;
        }
        self.unclaimed += bytes.len();
        let answer = &self.exchange.answer;
        let said = news || answer.skipped != skipped || answer.ended != ended;
        Ok(said || self.pending() || self.exchange.over())
    }

    /// Whether the decoder waits for more of an answer that is not complete.
    pub(super) fn goes_on(&self, py: Python<'_>) -> PyResult<bool> {
        match &self.decoder {
            Some(decoder) if !self.exchange.answer.ended => decoder.get().goes_on(py),
            _ => Ok(false),
        }
    }

    pub(super) fn pending(&self) -> bool {
        self.events.is_some() || !self.exchange.answer.raw.is_empty()
    }

    /// Who is to hear of what is there now.
    pub(super) fn news(&mut self, py: Python<'_>) -> Calls {
        let full = self.unclaimed > HIGH_WATER && self.pending();
        self.told(py, full)
    }

    /// The same when bytes came, behind which there may be others.
    fn news_of_read(&mut self, py: Python<'_>) -> Calls {
        if self.exchange.over() { self.told(py, true) } else { self.news(py) }
    }

    fn told(&mut self, py: Python<'_>, stop: bool) -> Calls {
        let pauses = stop && !self.paused;
        self.paused |= stop;
        Calls {
            waiter: self.waiter.take(),
            pause: if pauses { self.pause.as_ref().map(|pause| pause.clone_ref(py)) } else { None },
            spent: if self.exchange.answer.ended { self.decoder.take() } else { None },
        }
    }

    /// The consumer took something.
    pub(super) fn taken(&mut self) {
        if !self.pending() {
            self.unclaimed = 0;
            self.paused = false;
        }
    }
}

fn converted<'py>(py: Python<'py>, head: &Head) -> PyResult<Bound<'py, PyTuple>> {
    let fields = PyDict::new(py);
    for (name, value) in &head.fields {
        fields.set_item(name, value)?;
    }
    (head.status, fields).into_pyobject(py)
}

/// Class and text of an exception.
pub(super) fn described(error: &Bound<'_, PyAny>) -> String {
    let name = error.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    match error.str().map(|text| text.to_string()) {
        Ok(text) if !text.is_empty() => format!("{name}: {text}"),
        _ => name,
    }
}
