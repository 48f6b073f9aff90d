//! Instances of frozen, slotted dataclasses, made past `__init__` and `__setattr__`.
//!
//! A call of such a class costs about 180 ns, this about 30. Only documented C API of the stable ABI is used: the
//! type's own allocator, and the setters of the member descriptors that `__slots__` made.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// One class, ready to make instances.
pub(crate) struct Shape {
    class: Py<PyType>,
    allocate: ffi::allocfunc,
    slots: Vec<Slot>,
}

struct Slot {
    descriptor: Py<PyAny>,
    set: ffi::descrsetfunc,
}

// SAFETY: both hold references to immutable Python objects and addresses of C functions; every use of them takes a
// `Python` token, and on builds without a GIL these C functions are safe to call from any attached thread.
unsafe impl Send for Shape {}
// SAFETY: as above.
unsafe impl Sync for Shape {}

impl Shape {
    /// The shape of `class` with these fields; each must be a slot of the class.
    pub(crate) fn new(class: &Bound<'_, PyType>, fields: &[&str]) -> PyResult<Self> {
        // SAFETY: `class` is a type object, and the slot's value is its `tp_alloc`, inherited where not set.
        let allocate = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_alloc) };
        if allocate.is_null() {
            return Err(PyTypeError::new_err(format!("{class} has no allocator")));
        }
        Ok(Self {
            class: class.clone().unbind(),
            // SAFETY: a non-null `Py_tp_alloc` slot is an `allocfunc`.
            allocate: unsafe { std::mem::transmute::<*mut std::ffi::c_void, ffi::allocfunc>(allocate) },
            slots: fields.iter().map(|field| Slot::new(class, field)).collect::<PyResult<_>>()?,
        })
    }

    /// A new instance with these values, in the order of the fields.
    ///
    /// `atomic`: no value can be part of a reference cycle, so the collector need not look at the instance.
    pub(crate) fn make<'py, const N: usize>(
        &self,
        py: Python<'py>,
        values: [Bound<'py, PyAny>; N],
        atomic: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: `allocate` is this type's own allocator; a null result means that an exception is set.
        let instance =
            unsafe { Bound::from_owned_ptr_or_err(py, (self.allocate)(self.class.bind(py).as_type_ptr(), 0))? };
        for (slot, value) in self.slots.iter().zip(&values) {
            // SAFETY: the setter belongs to this descriptor, the descriptor to the instance's type; the value is
            // borrowed, and the setter takes a reference of its own.
            if unsafe { (slot.set)(slot.descriptor.as_ptr(), instance.as_ptr(), value.as_ptr()) } < 0 {
                return Err(PyErr::fetch(py));
            }
        }
        if atomic {
            // SAFETY: the allocator of a class with slots tracks what it makes; nobody else has seen the instance.
            unsafe { ffi::PyObject_GC_UnTrack(instance.as_ptr().cast()) };
        }
        Ok(instance)
    }
}

impl Slot {
    fn new(class: &Bound<'_, PyType>, field: &str) -> PyResult<Self> {
        let descriptor = class.getattr(PyString::intern(class.py(), field))?;
        // SAFETY: the type of any object is a type object, which `PyType_GetSlot` may be asked about.
        let set = unsafe { ffi::PyType_GetSlot(descriptor.get_type().as_type_ptr(), ffi::Py_tp_descr_set) };
        if set.is_null() || descriptor.get_type().name()? != "member_descriptor" {
            return Err(PyTypeError::new_err(format!("{field} is no slot of {class}")));
        }
        Ok(Self {
            descriptor: descriptor.unbind(),
            // SAFETY: a non-null `Py_tp_descr_set` slot is a `descrsetfunc`.
            set: unsafe { std::mem::transmute::<*mut std::ffi::c_void, ffi::descrsetfunc>(set) },
        })
    }
}
