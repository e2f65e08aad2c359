//! The data types of the suite's sessions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// One field for each merge rule, and some that only have to round-trip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stuff {
    /// No rule: a list keeps what both sides appended.
    pub items: Vec<String>,
    /// `union`.
    pub tags: BTreeSet<String>,
    /// `add`.
    pub visits: u64,
    /// `add`, under another name in JSON.
    #[serde(rename = "odd name")]
    pub renamed: i64,
    /// `max`.
    pub best: i64,
    /// `keys`.
    pub prefs: BTreeMap<String, Value>,
    /// `last_wins`, declared explicitly.
    pub draft: String,
    /// No rule.
    pub note: String,
    pub score: f64,
    pub maybe: Option<String>,
    pub nested: Nested,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    pub depth: i32,
    pub inner: Inner,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inner {
    pub flags: Vec<bool>,
    pub by_name: BTreeMap<String, i64>,
    pub other: Option<Box<Inner>>,
}

/// Data that clients can make large and deep.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Heap {
    /// JSON text, unchanged.
    pub raw: Option<Box<RawValue>>,
    pub list: Vec<Value>,
    /// `union`.
    pub numbers: Vec<u64>,
    /// `keys`.
    pub by_key: BTreeMap<String, Value>,
}

/// The data type in an older version of a program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Older {
    pub name: String,
    pub dropped: String,
}

/// The same type in the next version: one field removed, one added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newer {
    pub name: String,
    pub added: u32,
}

impl Default for Newer {
    fn default() -> Self {
        Self {
            name: String::new(),
            added: 7,
        }
    }
}
