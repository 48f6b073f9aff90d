//! JSON that outlives the frame it came from: metadata, tool inputs, raw usage.

use std::collections::HashMap;

use super::{Kind, Value};

/// An owned JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number in its own spelling: `1` and `1.0` stay different.
    Number(String),
    /// Text without lone surrogates.
    String(String),
    /// Elements in order.
    Array(Vec<Json>),
    /// Members in order of first appearance, the last value of a repeated key.
    Object(Meta),
}

/// Members of an object; what goes into an event's `metadata` under the provider's key.
pub type Meta = Vec<(String, Json)>;

const SMALL: usize = 16;

impl Json {
    /// A string.
    pub fn str(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A whole number.
    #[must_use]
    pub fn int(number: u64) -> Self {
        Self::Number(number.to_string())
    }

    /// An object of the members given; later ones replace earlier ones of the same name.
    #[must_use]
    pub fn object(members: Meta) -> Self {
        let mut object = Vec::with_capacity(members.len());
        merge(&mut object, members);
        Self::Object(object)
    }

    /// The text of a string, `None` for anything else.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of an array, none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Json] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// A whole number from 0 to 2^53 - 1, `None` for anything else.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Number(text) => super::as_count(text),
            _ => None,
        }
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Puts `more` into `members`: a new value takes the place of the old one of the same name.
pub fn merge(members: &mut Meta, more: Meta) {
    if members.len() + more.len() <= SMALL {
        for (name, value) in more {
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some(slot) => slot.1 = value,
                None => members.push((name, value)),
            }
        }
        return;
    }
    let mut places: HashMap<String, usize> =
        members.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
    for (name, value) in more {
        if let Some(slot) = places.get(&name).and_then(|place| members.get_mut(*place)) {
            slot.1 = value;
        } else {
            places.insert(name.clone(), members.len());
            members.push((name, value));
        }
    }
}

impl Value<'_> {
    /// An owned copy, without lone surrogates.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self.node().kind {
            Kind::Null => Json::Null,
            Kind::True => Json::Bool(true),
            Kind::False => Json::Bool(false),
            Kind::Number => Json::Number(self.source().to_owned()),
            Kind::String | Kind::Escaped => Json::String(self.str().unwrap_or_default().into_owned()),
            Kind::Array => Json::Array(self.items().map(|item| item.to_json()).collect()),
            Kind::Object => Json::object(self.to_meta()),
        }
    }

    /// Members of an object as owned pairs, none of anything else.
    #[must_use]
    pub fn to_meta(&self) -> Meta {
        self.members().map(|(name, value)| (name.into_owned(), value.to_json())).collect()
    }
}
