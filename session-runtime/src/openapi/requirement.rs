//! Security requirements: a list of alternatives, each of which names the schemes that it needs.

use serde_json::{Map, Value};

use super::Scheme;

/// The requirement of an operation that has both: that of one session, and that of another one.
pub(crate) fn both(one: Option<Value>, other: Value) -> Value {
    let (Some(Value::Array(one)), Value::Array(other)) = (one, &other) else {
        return other;
    };
    if one.is_empty() || other.is_empty() {
        return Value::Array(if one.is_empty() { other.clone() } else { one });
    }
    let mut alternatives: Vec<Map<String, Value>> = Vec::new();
    for first in one.iter().filter_map(Value::as_object) {
        for second in other.iter().filter_map(Value::as_object) {
            let mut all = first.clone();
            all.extend(second.clone());
            if !alternatives.contains(&all) {
                alternatives.push(all);
            }
        }
    }
    // Two schemes are no alternative where one of them is enough.
    let needless = |all: &Map<String, Value>| {
        alternatives.iter().any(|fewer| {
            !fewer.is_empty()
                && fewer.len() < all.len()
                && fewer.keys().all(|key| all.contains_key(key))
        })
    };
    let needed = alternatives.iter().filter(|all| !needless(all));
    needed.cloned().map(Value::Object).collect()
}

/// The schemes of sessions that a requirement names.
pub(crate) fn named_schemes(requirement: &Value) -> Vec<Scheme> {
    let alternatives = requirement.as_array().into_iter().flatten();
    let names = alternatives
        .filter_map(Value::as_object)
        .flat_map(Map::keys);
    let mut schemes = Vec::new();
    for scheme in names.filter_map(|key| Scheme::of_key(key)) {
        if !schemes.contains(&scheme) {
            schemes.push(scheme);
        }
    }
    schemes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::both;

    #[test]
    fn two_sessions_are_both_required() {
        let (header, bearer) = (json!({ "header": [] }), json!({ "bearer": [] }));
        let shop = json!([header, bearer]);
        assert_eq!(both(None, shop.clone()), shop);
        assert_eq!(both(Some(json!([])), shop.clone()), shop);
        assert_eq!(both(Some(shop.clone()), json!([])), shop);
        assert_eq!(both(Some(shop.clone()), shop.clone()), shop);
        assert_eq!(
            both(Some(shop.clone()), json!([{ "device": [] }])),
            json!([{ "header": [], "device": [] }, { "bearer": [], "device": [] }])
        );
        assert_eq!(
            both(Some(json!([header])), json!([header, {}])),
            json!([header])
        );
        assert_eq!(
            both(Some(json!([header, {}])), json!([{ "device": [] }, {}])),
            json!([header, { "device": [] }, {}])
        );
    }
}
