//! Operations on untyped data.

use connect_session::Untyped;
use serde_json::json;

/// Tries every operation once; returns the names of those that failed.
pub fn try_every_operation(data: &mut Untyped) -> String {
    let mut wrong = Vec::new();
    let mut check = |what: &str, holds: bool| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    check("a new session is empty", data.is_empty());
    data.insert("number", 41).unwrap();
    data.insert("list", ["a", "b"]).unwrap();
    data.insert("gone", true).unwrap();
    data.insert("number", 42).unwrap();
    check("get", data.get::<u64>("number").unwrap() == Some(42));
    check("get of another type", data.get::<String>("number").is_err());
    check("get of no key", data.get::<u64>("none").unwrap().is_none());
    check("contains", data.contains("list") && !data.contains("none"));
    check("remove", data.remove("gone") == Some(json!(true)));
    check("remove of no key", data.remove("gone").is_none());
    check("len", data.len() == 2 && data.iter().count() == 2);
    let kept = data.clone();
    data.clear();
    check("clear", data.is_empty() && !data.contains("number"));
    *data = kept;
    wrong.join(", ")
}
