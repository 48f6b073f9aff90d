//! `_core.Poller`: reads the connections of one event loop, all of them in one callback of it.
//!
//! Owns an epoll instance of the sockets, which the loop watches, and the way of the bytes from there to the wires. The
//! loop's own way takes several calls in Python for each read, and an iteration of the loop for every few. Owns no socket:
//! who adds one keeps it open, and removes it first. The GIL is held throughout, for nothing here blocks.

use std::collections::{HashMap, VecDeque};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use pyo3::PyTraverseError;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use crate::exclusive::Exclusive;
use crate::tls::TlsReader;
use crate::waiter::ends_the_loop;
use crate::wire::Wire;

/// So many sockets are asked for at a time.
const MANY: usize = 32;
/// After so much time the loop goes on with the rest.
const LONG: Duration = Duration::from_millis(1);

/// For one event loop, from its thread.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct Poller {
    inner: Exclusive<Inner>,
    /// Where bytes for wires are read to. Nobody else sees them there, so they need not be copied. Taken out meanwhile.
    room: Exclusive<Vec<u8>>,
    /// Where bytes for those over TLS are read to, which look there.
    buffer: PyBuffer<u8>,
}

struct Inner {
    /// None when it was closed.
    epoll: Option<OwnedFd>,
    readers: HashMap<RawFd, Reader>,
    /// Sockets that have something, and are read next: without them those behind a busy one could wait for ever.
    queue: VecDeque<RawFd>,
}

/// Whose a socket is.
struct Reader {
    connection: Py<PyAny>,
    sink: Sink,
}

/// Where its bytes go.
#[derive(FromPyObject)]
enum Sink {
    Wire(Py<Wire>),
    Tls(Py<TlsReader>),
}

#[pymethods]
impl Poller {
    #[new]
    #[pyo3(signature = (buffer, /))]
    fn new(py: Python<'_>, buffer: &Bound<'_, PyByteArray>) -> PyResult<Self> {
        if buffer.is_empty() {
            return Err(PyValueError::new_err("there is no room in the buffer")); // every read would be the end
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| raised(py, error))?;
        Ok(Self {
            inner: Exclusive::new(Inner { epoll: Some(epoll), readers: HashMap::new(), queue: VecDeque::new() }),
            room: Exclusive::new(Vec::new()),
            buffer: PyBuffer::get(buffer)?,
        })
    }

    /// What the loop is to watch, and to call `ready` for.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.with(py, |inner| Ok(inner.epoll.as_ref().map_or(-1, AsRawFd::as_raw_fd)))
    }

    /// Reads nothing any more.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let past = self.with(py, |inner| Ok((inner.epoll.take(), std::mem::take(&mut inner.readers))))?;
        drop(past);
        Ok(())
    }

    /// From now on what comes there is read. A number that is here already was another socket's, which is closed; one
    /// that is watched already is the same socket's.
    #[pyo3(signature = (fd, connection, sink, /))]
    fn add(&self, py: Python<'_>, fd: RawFd, connection: Py<PyAny>, sink: Sink) -> PyResult<()> {
        if fd < 0 {
            return Err(PyValueError::new_err("the socket is closed"));
        }
        let data = epoll::EventData::new_u64(u64::from(fd.unsigned_abs()));
        let added = self.with(py, |inner| {
            let epoll = inner.epoll.as_ref().ok_or_else(|| PyValueError::new_err("the poller is closed"))?;
            Ok(match epoll::add(epoll, borrowed(fd), data, epoll::EventFlags::IN) {
                Ok(()) | Err(Errno::EXIST) => Ok(inner.readers.insert(fd, Reader { connection, sink })),
                Err(error) => Err(error),
            })
        })?;
        added.map(drop).map_err(|error| raised(py, error))
    }

    /// No more is read for that connection.
    #[pyo3(signature = (fd, connection, /))]
    fn remove(&self, py: Python<'_>, fd: RawFd, connection: &Bound<'_, PyAny>) -> PyResult<()> {
        let past = self.with(py, |inner| {
            if !inner.readers.get(&fd).is_some_and(|reader| reader.connection.is(connection)) {
                return Ok(None);
            }
            if let Some(epoll) = &inner.epoll {
                // One that its transport has closed already is in there no more.
                let _ = epoll::delete(epoll, borrowed(fd));
            }
            Ok(inner.readers.remove(&fd))
        })?;
        drop(past);
        Ok(())
    }

    /// Reads what has come, and what comes meanwhile.
    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        let began = Instant::now();
        while let Some(fd) = self.with(py, |inner| Ok(inner.next()))?.map_err(|error| raised(py, error))? {
            self.read(py, fd)?;
            if began.elapsed() > LONG {
                break; // the loop calls again at once
            }
        }
        Ok(())
    }

    /// Reads what one of them has, before the loop has been told.
    #[pyo3(signature = (fd, /))]
    fn look(&self, py: Python<'_>, fd: RawFd) -> PyResult<()> {
        self.read(py, fd)
    }

    /// For the cyclic collector.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector calls from an attached thread; the token only proves that, no object is touched.
        let py = unsafe { Python::assume_attached() };
        let seen = self.inner.enter(py, |inner| {
            inner.readers.values().try_for_each(|reader| {
                visit.call(&reader.connection)?;
                match &reader.sink {
                    Sink::Wire(wire) => visit.call(wire),
                    Sink::Tls(reader) => visit.call(reader),
                }
            })
        });
        seen.unwrap_or(Ok(()))
    }

    /// Lets go of what may be part of a cycle.
    fn __clear__(&self, py: Python<'_>) {
        drop(self.inner.enter(py, |inner| std::mem::take(&mut inner.readers)));
    }
}

impl Poller {
    /// What one socket has. The consumer runs within this, and may remove this connection and any other.
    fn read(&self, py: Python<'_>, fd: RawFd) -> PyResult<()> {
        let found = self.with(py, |inner| Ok(inner.reader(py, fd)))?;
        let Some(Reader { connection, sink }) = found else { return Ok(()) };
        let connection = connection.bind(py);
        let outcome = match sink {
            Sink::Wire(wire) => self.to_wire(fd, connection, wire.bind(py).get()),
            Sink::Tls(reader) => self.to_tls(fd, connection, reader.bind(py).get()),
        };
        match outcome {
            Err(error) if !ends_the_loop(py, &error) => {
                connection.call_method1(intern!(py, "read_failed"), (error.into_value(py),)).map(drop)
            }
            outcome => outcome,
        }
    }

    fn to_wire(&self, fd: RawFd, connection: &Bound<'_, PyAny>, wire: &Wire) -> PyResult<()> {
        let py = connection.py();
        let mut room = self.room.enter(py, std::mem::take).unwrap_or_default();
        room.resize(self.buffer.len_bytes(), 0);
        let received = recv(borrowed(fd), room.as_mut_slice(), RecvFlags::DONTWAIT);
        let outcome = match received.map(|(count, _)| room.get(..count).unwrap_or_default()) {
            Ok(bytes) if !bytes.is_empty() => wire.read(py, bytes),
            other => no_bytes(connection, other.err()),
        };
        self.room.enter(py, |kept| *kept = room);
        outcome
    }

    fn to_tls(&self, fd: RawFd, connection: &Bound<'_, PyAny>, reader: &TlsReader) -> PyResult<()> {
        let start = self.buffer.buf_ptr().cast::<u8>();
        // SAFETY: the buffer lives, and keeps its place and its size, as long as `self.buffer`; this thread holds the
        // GIL, and nothing else runs until the bytes are there.
        let buffer = unsafe { std::slice::from_raw_parts_mut(start, self.buffer.len_bytes()) };
        match recv(borrowed(fd), buffer, RecvFlags::DONTWAIT) {
            Ok((count, _)) if count > 0 => reader.buffer_updated(connection.py(), count),
            other => no_bytes(connection, other.err()),
        }
    }

    fn with<T>(&self, py: Python<'_>, work: impl FnOnce(&mut Inner) -> PyResult<T>) -> PyResult<T> {
        let done = self.inner.enter(py, work);
        done.unwrap_or_else(|| Err(PyRuntimeError::new_err("the poller is in use by another thread")))
    }
}

impl Inner {
    /// The socket that is read next, None where nobody has anything.
    fn next(&mut self) -> Result<Option<RawFd>, Errno> {
        let Some(epoll) = &self.epoll else { return Ok(None) };
        if self.queue.is_empty() {
            let mut events = [const { MaybeUninit::uninit() }; MANY];
            match epoll::wait(epoll, &mut events, Some(&Timespec::default())) {
                Ok((found, _)) => {
                    self.queue.extend(found.iter().filter_map(|event| RawFd::try_from(event.data.u64()).ok()));
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.queue.pop_front())
    }

    fn reader(&self, py: Python<'_>, fd: RawFd) -> Option<Reader> {
        let found = self.readers.get(&fd).map(|reader| reader.clone_ref(py));
        if let (None, Some(epoll)) = (&found, &self.epoll) {
            // Its transport has closed it and tells later, and its number is another's: that one is not ours to watch.
            let _ = epoll::delete(epoll, borrowed(fd));
        }
        found
    }
}

impl Reader {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        let sink = match &self.sink {
            Sink::Wire(wire) => Sink::Wire(wire.clone_ref(py)),
            Sink::Tls(reader) => Sink::Tls(reader.clone_ref(py)),
        };
        Self { connection: self.connection.clone_ref(py), sink }
    }
}

/// The end of what comes, or why there is nothing to read.
#[cold]
fn no_bytes(connection: &Bound<'_, PyAny>, error: Option<Errno>) -> PyResult<()> {
    let py = connection.py();
    let error = match error {
        Some(Errno::AGAIN | Errno::INTR) => return Ok(()),
        error => error.map(|error| raised(py, error).into_value(py)),
    };
    connection.call_method1(intern!(py, "read_ended"), (error,)).map(drop)
}

fn borrowed<'fd>(fd: RawFd) -> BorrowedFd<'fd> {
    // SAFETY: it is not -1, and who adds a socket keeps it open until it is removed. Of one that was closed before, the
    // system refuses the number, or it is another socket of the same loop, where one more read that finds nothing does
    // no harm.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// As Python says it: the class that goes with the number, and the system's text.
fn raised(py: Python<'_>, error: Errno) -> PyErr {
    let number = error.raw_os_error();
    let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,)));
    text.map_or_else(|failure| failure, |text| PyOSError::new_err((number, text.unbind())))
}
