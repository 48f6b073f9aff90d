//! Instances of frozen, slotted dataclasses, made past `__init__` and `__setattr__`.
//!
//! A call of such a class costs about 180 ns, this about 30. Only documented C API of the stable ABI is used: the
//! collector's allocator, and the places of the slots as the type's member definitions tell them.

use std::ffi::{CStr, c_void};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// One class, ready to make instances.
pub(crate) struct Shape {
    class: Py<PyType>,
    /// Where each field stands in an instance, in bytes. Together they are all of it but the header.
    offsets: Box<[usize]>,
}

impl Shape {
    /// The shape of `class` with these fields, which must be its slots, and all of them.
    pub(crate) fn new(class: &Bound<'_, PyType>, fields: &[&str]) -> PyResult<Self> {
        let offsets = fields.iter().map(|field| offset(class, field)).collect::<PyResult<Box<[_]>>>()?;
        let header = size(&class.py().get_type::<PyAny>())?;
        let mut places = offsets.to_vec();
        places.sort_unstable();
        let wanted = (0..places.len()).map(|place| header + place * size_of::<*mut ffi::PyObject>());
        if !wanted.eq(places) || size(class)? != header + size_of_val(&*offsets) {
            return Err(PyTypeError::new_err(format!("{class} has other slots than {fields:?}")));
        }
        Ok(Self { class: class.clone().unbind(), offsets })
    }

    /// A new instance with these values, in the order of the fields.
    ///
    /// `atomic`: no value can be part of a reference cycle, so the collector need not look at the instance.
    #[inline]
    pub(crate) fn make<'py, const N: usize>(
        &self,
        py: Python<'py>,
        values: [Bound<'py, PyAny>; N],
        atomic: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        assert_eq!(self.offsets.len(), N, "a value for each field");
        // SAFETY: the class is a heap type of which the collector knows; a null result means that an exception is set.
        // The collector does not see the instance, and it has no values yet: nothing may look at it before it has.
        let instance = unsafe { ffi::PyObject_GC_New::<ffi::PyObject>(self.class.as_ptr().cast()) };
        if instance.is_null() {
            return Err(PyErr::fetch(py));
        }
        for (offset, value) in self.offsets.iter().zip(values) {
            // SAFETY: `offset` checked that there the instance has room for one reference, which it owns from now on.
            unsafe { instance.byte_add(*offset).cast::<*mut ffi::PyObject>().write(value.into_ptr()) };
        }
        if !atomic {
            // SAFETY: the allocator tracks nothing itself, and all slots have values.
            unsafe { ffi::PyObject_GC_Track(instance.cast::<c_void>()) };
        }
        // SAFETY: it is a new object with one reference, which is ours.
        Ok(unsafe { Bound::from_owned_ptr(py, instance) })
    }

    /// The value of a field, by its place among the fields; None of what is no instance of just this class.
    #[inline]
    pub(crate) fn value<'a, 'py>(
        &self,
        instance: &'a Bound<'py, PyAny>,
        field: usize,
    ) -> Option<Borrowed<'a, 'py, PyAny>> {
        if !instance.get_type().is(&self.class) {
            return None;
        }
        let offset = self.offsets.get(field)?;
        // SAFETY: `offset` checked that there an instance has a reference or null. It is frozen; and who borrows the value
        // runs no Python code, which could change that all the same, before it holds a reference of its own.
        unsafe {
            let value = instance.as_ptr().byte_add(*offset).cast::<*mut ffi::PyObject>().read();
            Borrowed::from_ptr_or_opt(instance.py(), value)
        }
    }
}

/// Where a slot stands, by the definitions that `__slots__` left in the type.
fn offset(class: &Bound<'_, PyType>, field: &str) -> PyResult<usize> {
    // SAFETY: `class` is a type object; the slot's value is null or an array that ends with a member without a name,
    // lives as long as the type, and never changes.
    let mut member = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_members) }.cast::<ffi::PyMemberDef>();
    while !member.is_null() {
        // SAFETY: as above; the last member was not reached.
        let definition = unsafe { &*member };
        if definition.name.is_null() {
            break;
        }
        // SAFETY: the name of a member is a C string.
        let name = unsafe { CStr::from_ptr(definition.name) };
        if name.to_bytes() == field.as_bytes() && definition.type_code == ffi::Py_T_OBJECT_EX {
            return Ok(usize::try_from(definition.offset)?);
        }
        // SAFETY: behind a member that has a name there is another one.
        member = unsafe { member.add(1) };
    }
    Err(PyTypeError::new_err(format!("{field} is no slot of {class}")))
}

/// Bytes of an instance.
fn size(class: &Bound<'_, PyType>) -> PyResult<usize> {
    class.getattr("__basicsize__")?.extract()
}
