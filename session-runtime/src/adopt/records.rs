//! The records of old sessions.

use serde_json::{Map, Value};

use crate::store::BoxError;

/// The value of a record that is JSON.
///
/// ```
/// use connect_session_runtime::adopt::parse_record;
///
/// let record = parse_record(br#"{"user":"ada"}"#)?;
/// assert_eq!(record["user"], "ada");
/// # Ok::<(), connect_session_runtime::store::BoxError>(())
/// ```
///
/// # Errors
/// If it is not. The error does not quote the record.
pub fn parse_record(record: &[u8]) -> Result<Value, BoxError> {
    let parsed = serde_json::from_slice(record);
    parsed.map_err(|error| format!("an old session is not JSON ({:?})", error.classify()).into())
}

/// The values of an object each of which is a string of JSON. What is not JSON stays a string.
///
/// ```
/// use connect_session_runtime::adopt::with_parsed_values;
/// use serde_json::json;
///
/// let record = json!({ "cart": "[\"tea\"]", "note": "[tea" });
/// assert_eq!(with_parsed_values(record), json!({ "cart": ["tea"], "note": "[tea" }));
/// ```
#[must_use]
pub fn with_parsed_values(mut object: Value) -> Value {
    let values = object.as_object_mut().into_iter();
    for value in values.flat_map(Map::values_mut) {
        let parsed = value.as_str().map(serde_json::from_str);
        if let Some(Ok(parsed)) = parsed {
            *value = parsed;
        }
    }
    object
}
