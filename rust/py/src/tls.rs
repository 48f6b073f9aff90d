//! `_core.TlsReader`: a read of a connection over TLS, from sealed bytes to the wire.
//!
//! Owns the loop that runs for every read once hands are shaken: give OpenSSL what came, take what it opens, feed the
//! wire. In Python that is five calls more for each event. OpenSSL is the standard library's, reached by the documented
//! methods of its objects. Owns no handshake and no socket, and what is seldom is for whoever is told.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyMemoryView, PySlice};
use pyo3::{PyTraverseError, ffi, intern};

use crate::waiter::ends_the_loop;
use crate::wire::Wire;

pyo3::import_exception!(ssl, SSLError);
pyo3::import_exception!(ssl, SSLWantReadError);
pyo3::import_exception!(ssl, SSLZeroReturnError);

/// No record holds more, and none is read in two where the wire has room for it.
const RECORD: usize = 16 << 10;

/// One connection's reads. Made by the transports of `zen_native.transport`.
#[pyclass(frozen, module = "zen_native._core")]
pub(crate) struct TlsReader {
    tls: Py<PyAny>,
    incoming: Py<PyAny>,
    outgoing: Py<PyAny>,
    sealed: Py<PyMemoryView>,
    wire: Py<Wire>,
    /// Where the wire reads.
    into: Py<PyMemoryView>,
    /// So many bytes are taken at a time: a number, and the same for `SSLObject.read`, which is asked for every event.
    most: usize,
    limit: Py<PyInt>,
    tell: Py<PyAny>,
    /// Whether the server's tickets come behind the handshake, as they do from TLS 1.3 on; until the first bytes for the
    /// wire.
    has_tickets: AtomicBool,
}

#[pymethods]
impl TlsReader {
    #[new]
    #[pyo3(signature = (tls, incoming, outgoing, sealed, wire, tell, /))]
    fn new(
        py: Python<'_>,
        tls: Py<PyAny>,
        incoming: Py<PyAny>,
        outgoing: Py<PyAny>,
        sealed: Py<PyMemoryView>,
        wire: Py<Wire>,
        tell: Py<PyAny>,
    ) -> PyResult<Self> {
        let into = wire.get().view(py);
        let most = into.len()?.min(RECORD);
        let limit = most.into_pyobject(py)?.unbind();
        let has_tickets = tls.call_method0(py, intern!(py, "version"))?.bind(py).eq("TLSv1.3")?.into();
        Ok(Self { tls, incoming, outgoing, sealed, wire, into: into.unbind(), most, limit, tell, has_tickets })
    }

    /// So many sealed bytes were written.
    #[pyo3(signature = (nbytes, /))]
    pub(crate) fn buffer_updated(&self, py: Python<'_>, nbytes: usize) -> PyResult<()> {
        let (ended, error) = match self.received(py, nbytes) {
            Ok(false) if !more(self.outgoing.bind(py))? => return Ok(()),
            Ok(ended) => (ended, None),
            Err(error) if error.is_instance_of::<SSLError>(py) => (false, Some(error)),
            Err(error) => return Err(error),
        };
        self.tell.call1(py, (ended, error.map(|error| error.into_value(py)))).map(drop)
    }

    /// For the cyclic collector: who is told holds the reader. Like a tuple it lets go of nothing itself.
    #[allow(clippy::needless_pass_by_value, reason = "the shape that PyO3 asks for")]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for held in [&self.tls, &self.incoming, &self.outgoing, &self.tell] {
            visit.call(held)?;
        }
        visit.call(&self.sealed)?;
        visit.call(&self.into)?;
        visit.call(&self.wire)
    }
}

impl TlsReader {
    /// Whether the server says that nothing follows.
    fn received(&self, py: Python<'_>, nbytes: usize) -> PyResult<bool> {
        self.give(py, nbytes)?;
        self.decrypt(py)
    }

    /// The same for what is here already.
    fn decrypt(&self, py: Python<'_>) -> PyResult<bool> {
        loop {
            let count = match self.take(py) {
                Ok(0) => return Ok(true),
                Ok(count) => count,
                Err(error) if error.is_instance_of::<SSLWantReadError>(py) => return Ok(false),
                Err(error) if error.is_instance_of::<SSLZeroReturnError>(py) => return Ok(true),
                Err(error) if ends_the_loop(py, &error) => {
                    // A signal within, and what was opened is lost: the loop may go on, the answer cannot.
                    self.tell.call1(py, (false, error.value(py)))?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            if let Err(error) = self.wire.get().buffer_updated(py, count) {
                if ends_the_loop(py, &error) {
                    // It may be run again, and nobody would hear of what is left here before something else comes. What
                    // is wrong with it is found again then.
                    let _ = self.decrypt(py);
                }
                return Err(error);
            }
            if self.has_tickets.swap(false, Ordering::Relaxed) {
                // They had OpenSSL make room to write (16 KiB), which it keeps until something was written; no bytes at
                // all are sent as none, as the page of `SSL_write_ex` says.
                self.tls.call_method1(py, intern!(py, "write"), (PyBytes::new(py, b""),))?;
            }
            // Fewer bytes than were asked for: OpenSSL has opened no more. Asking for what is not there would cost an
            // exception.
            if count < self.most && !more(self.incoming.bind(py))? {
                return Ok(false);
            }
        }
    }

    /// So many sealed bytes to OpenSSL.
    fn give(&self, py: Python<'_>, nbytes: usize) -> PyResult<()> {
        let sealed = self.sealed.bind(py);
        if nbytes > sealed.len()? {
            return Err(PyValueError::new_err("more bytes than the buffer has"));
        }
        let bytes = sealed.get_item(PySlice::new(py, 0, isize::try_from(nbytes)?, 1))?;
        // SAFETY: all are live objects, and null ends the arguments. `call_method1` would make a tuple.
        let written = unsafe {
            let (incoming, write) = (self.incoming.as_ptr(), intern!(py, "write").as_ptr());
            let end = std::ptr::null_mut::<ffi::PyObject>();
            Bound::from_owned_ptr_or_err(py, ffi::PyObject_CallMethodObjArgs(incoming, write, bytes.as_ptr(), end))
        };
        written.map(drop)
    }

    /// The next bytes that OpenSSL opens, to where the wire reads: how many.
    fn take(&self, py: Python<'_>) -> PyResult<usize> {
        let (tls, read) = (self.tls.as_ptr(), intern!(py, "read").as_ptr());
        let (limit, into) = (self.limit.as_ptr(), self.into.as_ptr());
        // SAFETY: as in `give`.
        let count = unsafe {
            let end = std::ptr::null_mut::<ffi::PyObject>();
            Bound::from_owned_ptr_or_err(py, ffi::PyObject_CallMethodObjArgs(tls, read, limit, into, end))
        };
        count?.extract()
    }
}

/// Whether bytes lie in an `ssl.MemoryBIO`.
fn more(bio: &Bound<'_, PyAny>) -> PyResult<bool> {
    bio.getattr(intern!(bio.py(), "pending"))?.is_truthy()
}
