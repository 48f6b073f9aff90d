//! A value for one user at a time: a second one is refused, never made to wait.
//!
//! Waiting could deadlock, because building Python objects may run other Python code, which could come back here. A
//! mutex costs two locked instructions a read, a tenth of the time of a small one; under the GIL a plain flag will do.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::Python;

pub(crate) struct Exclusive<T> {
    busy: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through `enter` alone, which lets one user in at a time; `T: Send` because that user
// may be on any thread.
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { busy: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Runs `work` on the value, or gives `None` while somebody else does.
    pub(crate) fn enter<R>(&self, py: Python<'_>, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        if !self.take(py) {
            return None;
        }
        let _guard = Leave(&self.busy);
        // SAFETY: `take` returned true, and nobody else gets true before the guard is dropped, also by a panic.
        Some(work(unsafe { &mut *self.value.get() }))
    }

    #[cfg(not(Py_GIL_DISABLED))]
    fn take(&self, _: Python<'_>) -> bool {
        // The GIL is held and no Python code runs between the two: nobody can come in between.
        let free = !self.busy.load(Ordering::Acquire);
        self.busy.store(true, Ordering::Relaxed);
        free
    }

    #[cfg(Py_GIL_DISABLED)]
    fn take(&self, _: Python<'_>) -> bool {
        !self.busy.swap(true, Ordering::Acquire)
    }
}

struct Leave<'a>(&'a AtomicBool);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
