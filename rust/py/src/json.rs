//! Long texts in a body of JSON: what `json` takes a hundred milliseconds for where an image stands in a request.
//!
//! Owns the escapes, which are those of Python's `json` (RFC 8259 section 7 allows others), and the one copy that is
//! made. Owns no other JSON. The GIL is released while there is work: event loops go on.

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyBytesMethods, PyString};

/// The pieces of a body with each text between two of them, in quotes. Raises `UnicodeEncodeError` for half of a
/// surrogate pair.
#[pyfunction]
#[pyo3(signature = (pieces, texts, /))]
pub(crate) fn json_joined<'py>(
    py: Python<'py>,
    pieces: Vec<Bound<'py, PyBytes>>,
    texts: Vec<Bound<'py, PyString>>,
) -> PyResult<Bound<'py, PyBytes>> {
    if pieces.len() != texts.len() + 1 {
        return Err(PyValueError::new_err("there is one piece more than there are texts"));
    }
    let pieces: Vec<&[u8]> = pieces.iter().map(PyBytesMethods::as_bytes).collect();
    let texts = texts.iter().map(|text| text.to_str()).collect::<PyResult<Vec<_>>>()?;
    let lengths: Vec<usize> = py.detach(|| texts.iter().map(|text| quoted_length(text)).collect());
    let length = pieces.iter().map(|piece| piece.len()).chain(lengths.iter().copied()).sum::<usize>();
    let size = ffi::Py_ssize_t::try_from(length)?;
    // SAFETY: without content, this gives a new object with room for so many bytes, or an error. Nobody else has it.
    let body = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), size))? };
    // SAFETY: it is a bytes object.
    let mut place = Place(unsafe { ffi::PyBytes_AsString(body.as_ptr()) }.cast());
    py.detach(|| {
        let mut between = texts.iter().zip(&lengths);
        for piece in &pieces {
            place.put(piece);
            if let Some((text, length)) = between.next() {
                place.put(b"\"");
                place.put_escaped(text.as_bytes(), *length == text.len() + 2);
                place.put(b"\"");
            }
        }
    });
    Ok(body.cast_into()?)
}

/// Where the next bytes go.
struct Place(*mut u8);

// SAFETY: it points into an object that no other thread knows of.
unsafe impl Send for Place {}

impl Place {
    fn put(&mut self, bytes: &[u8]) {
        // SAFETY: the lengths of all that is put were added up before there was a place.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0, bytes.len());
            self.0 = self.0.add(bytes.len());
        }
    }

    fn put_escaped(&mut self, text: &[u8], plain: bool) {
        if plain {
            return self.put(text);
        }
        for &byte in text {
            match short(byte) {
                Some(letter) => self.put(&[b'\\', letter]),
                None if byte < 0x20 => {
                    self.put(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xf)]);
                }
                None => self.put(&[byte]),
            }
        }
    }
}

fn quoted_length(text: &str) -> usize {
    // Counts, and no search: they take many bytes at a time.
    let special = text.bytes().filter(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').count();
    let long = text.bytes().filter(|&byte| byte < 0x20 && short(byte).is_none()).count();
    text.len() + 2 + special + 4 * long
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

fn short(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        0x08 => Some(b'b'),
        0x0c => Some(b'f'),
        _ => None,
    }
}
