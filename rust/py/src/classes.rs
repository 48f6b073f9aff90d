//! The Python classes that the decoder builds, imported on first use.
//!
//! Python defines, this lists: the field order here is checked against `dataclasses.fields` by a test. Filled lazily,
//! because the package imports this extension while it is itself being imported.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

use crate::object::Shape;

macro_rules! classes {
    ($($slot:ident = $module:literal $name:literal [$($field:literal),*];)*) => {
        /// Every class, ready to make instances.
        pub(crate) struct Classes {
            $(pub(crate) $slot: Shape,)*
            /// `decimal.Decimal`
            pub(crate) decimal: Py<PyAny>,
            /// `zen_native.errors.decode_error`
            pub(crate) decode_error: Py<PyAny>,
        }

        impl Classes {
            fn import(py: Python<'_>) -> PyResult<Self> {
                Ok(Self {
                    $($slot: shape(py, $module, $name, &[$($field),*])?,)*
                    decimal: py.import("decimal")?.getattr("Decimal")?.unbind(),
                    decode_error: py.import("zen_native.errors")?.getattr("decode_error")?.unbind(),
                })
            }
        }

        /// Name of every class that is built here, and its fields in order.
        #[pyfunction]
        pub(crate) fn event_table(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
            let table = PyDict::new(py);
            $(table.set_item($name, vec![$($field),*] as Vec<&str>)?;)*
            Ok(table)
        }
    };
}

classes! {
    step_start = "zen_native.events" "StepStart" ["index"];
    text_start = "zen_native.events" "TextStart" ["id", "metadata"];
    text_delta = "zen_native.events" "TextDelta" ["id", "text"];
    text_end = "zen_native.events" "TextEnd" ["id", "metadata"];
    reasoning_start = "zen_native.events" "ReasoningStart" ["id", "metadata"];
    reasoning_delta = "zen_native.events" "ReasoningDelta" ["id", "text"];
    reasoning_end = "zen_native.events" "ReasoningEnd" ["id", "signature", "metadata"];
    tool_input_start = "zen_native.events" "ToolInputStart" ["id", "name", "provider_executed"];
    tool_input_delta = "zen_native.events" "ToolInputDelta" ["id", "text"];
    tool_input_end = "zen_native.events" "ToolInputEnd" ["id"];
    tool_call = "zen_native.events" "ToolCall" ["id", "name", "input", "provider_executed", "metadata"];
    tool_input_error = "zen_native.events" "ToolInputError" ["id", "name", "raw", "message"];
    tool_result = "zen_native.events" "ToolResult" ["id", "name", "result", "is_error", "provider_executed", "metadata"];
    citation = "zen_native.events" "Citation" ["block_id", "url", "title", "text", "metadata"];
    media = "zen_native.events" "Media" ["id", "mime_type", "data", "url", "metadata"];
    step_finish = "zen_native.events" "StepFinish" ["index", "reason", "usage", "response_id", "model", "metadata"];
    finish = "zen_native.events" "Finish" ["reason", "usage", "steps", "warnings"];
    raw = "zen_native.events" "Raw" ["name", "data"];
    finish_reason = "zen_native.events" "FinishReason" ["normalized", "raw"];
    usage = "zen_native.usage" "Usage" ["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
        "cache_write_1h_tokens", "reasoning_tokens", "total_tokens", "cost", "list_cost", "cost_source", "raw"];
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

/// The table, imported at the first call.
pub(crate) fn classes(py: Python<'_>) -> PyResult<&Classes> {
    CLASSES.get_or_try_init(py, || Classes::import(py))
}

fn shape(py: Python<'_>, module: &str, name: &str, fields: &[&str]) -> PyResult<Shape> {
    let class = py.import(module)?.getattr(PyString::intern(py, name))?.cast_into::<PyType>()?;
    Shape::new(&class, fields)
}
