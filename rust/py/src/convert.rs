//! JSON values as Python objects, the same that `json.loads` gives.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyNone, PyString};
use zen_core::json::{Json, Meta, is_integer};

/// The Python object of a JSON value. Integers are exact, whatever their size.
pub(crate) fn object<'py>(py: Python<'py>, value: &Json) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Json::Null => PyNone::get(py).to_owned().into_any(),
        Json::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any(),
        Json::Number(text) => number(py, text)?,
        Json::String(text) => PyString::new(py, text).into_any(),
        Json::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(object(py, item)?)?;
            }
            list.into_any()
        }
        Json::Object(members) => dict(py, members)?.into_any(),
    })
}

/// The Python dict of an object's members.
pub(crate) fn dict<'py>(py: Python<'py>, members: &Meta) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in members {
        dict.set_item(name, object(py, value)?)?;
    }
    Ok(dict)
}

fn number<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    if !is_integer(text) {
        return Ok(PyFloat::new(py, text.parse::<f64>()?).into_any());
    }
    match text.parse::<i64>() {
        Ok(small) => Ok(small.into_pyobject(py)?.into_any()),
        Err(_) => py.get_type::<PyInt>().call1((text,)),
    }
}
