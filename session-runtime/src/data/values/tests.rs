//! Tests of equality, and of deep nesting.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn same(a: &str, b: &str) -> bool {
    let mut values = Values::new();
    values.read(a).expect("JSON") == values.read(b).expect("JSON")
}

#[test]
fn spaces_and_the_order_of_keys_do_not_count() {
    assert!(same(
        r#"{"a": [1, {"x": "y"}], "b":null}"#,
        r#" {"b":null,"a":[1,{"x":"y"}]}"#
    ));
    assert!(same(r#"{"\u0061":1}"#, r#"{"a":1}"#));
    assert!(same(r#"{"a":2,"a":1}"#, r#"{"a":1}"#));
    assert!(!same("[1,2]", "[2,1]"));
    assert!(!same("[]", "{}"));
    assert!(!same(r#"{"a":1}"#, r#"{"a":1,"b":1}"#));
    assert!(!same(r#""a\"]""#, r#""a\"""#));
}

#[test]
fn deep_values_need_no_stack() {
    let nested = |leaf: &str| format!("{}{leaf}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(same(&nested("1"), &nested("1 ")));
    assert!(!same(&nested("1"), &nested("2")));
}

#[test]
fn a_created_value_has_a_text() {
    let mut values = Values::new();
    let read = values.read(r#"{"k\"":[1, 2],"z":{}}"#).expect("JSON");
    let Shape::Object(entries) = values.shape(read) else {
        panic!("an object");
    };
    let (key, list) = entries[0];
    let both = values.list(vec![list, list]).expect("room");
    let object = values.object(vec![(key, both)]).expect("room");
    assert_eq!(values.text(object), r#"{"k\"":[[1, 2],[1, 2]]}"#);
    assert_eq!(values.read(r#"{"k\"":[[1,2],[1,2]]}"#), Some(object));
}

#[test]
fn invalid_json_does_not_panic() {
    for text in ["", "[", "]", "{1}", "\"", "{\"a", "[1}]"] {
        let _ = Values::new().read(text);
    }
    assert_eq!(Values::new().read("["), None);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3).prop_map(Value::from),
        "[a\"\\\\\n]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[ab\"]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn values_are_equal_if_serde_says_so(a in json_value(), b in json_value()) {
        let texts = [a.to_string(), format!("{b:#}")];
        let mut values = Values::new();
        let [x, y] = texts.each_ref().map(|text| values.read(text).expect("JSON"));
        prop_assert_eq!(x == y, a == b);
        let again = |id| serde_json::from_str::<Value>(&values.text(id)).expect("JSON");
        prop_assert_eq!(again(x), a);
        prop_assert_eq!(again(y), b);
    }
}
