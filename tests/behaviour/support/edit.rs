//! Changes of the data in a script's syntax: `["push", "/items", "tea"]`.

use serde_json::Value;

/// Applies a change.
pub fn edit(data: &mut Value, operation: &Value) {
    let operation = operation.as_array().unwrap();
    let name = operation[0].as_str().unwrap();
    if name == "panic" {
        // Skips the panic hook, which would print this intended panic.
        std::panic::resume_unwind(Box::new("a panic that the test asked for"));
    }
    if name == "replace" {
        *data = operation[1].clone();
        return;
    }
    let path = operation[1].as_str().unwrap();
    let argument = operation.get(2).cloned().unwrap_or_default();
    match name {
        "set" => *place(data, path) = argument,
        "fill" => {
            *place(data, path) = "x".repeat(size(&argument)).into();
        }
        "push" => {
            let place = place(data, path);
            if place.is_null() {
                *place = Value::Array(Vec::new());
            }
            place.as_array_mut().unwrap().push(argument);
        }
        // Lists with this nesting depth.
        "nest" => *place(data, path) = nested(size(&argument)),
        "push_nested" => place(data, path)
            .as_array_mut()
            .unwrap()
            .push(nested(size(&argument))),
        // The numbers from zero.
        "count" => *place(data, path) = (0..argument.as_u64().unwrap()).collect(),
        // This many keys.
        "keys" => {
            let keys = (0..size(&argument)).map(|key| (format!("k{key}"), key.into()));
            *place(data, path) = Value::Object(keys.collect());
        }
        // Cannot overflow: the suite uses small numbers.
        "add" => {
            let place = place(data, path);
            *place = (place.as_i64().unwrap_or(0) + argument.as_i64().unwrap()).into();
        }
        // Removes elements from a list by value.
        "drop" => place(data, path)
            .as_array_mut()
            .unwrap()
            .retain(|one| *one != argument),
        "delete" => {
            let (parent, key) = path.rsplit_once('/').unwrap();
            place(data, parent)
                .as_object_mut()
                .unwrap()
                .remove(&unescaped(key));
        }
        _ => panic!("unknown operation `{name}`"),
    }
}

fn size(argument: &Value) -> usize {
    usize::try_from(argument.as_u64().unwrap()).unwrap()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::from(1), |inner, _| Value::Array(vec![inner]))
}

/// The value that a JSON pointer refers to; creates missing keys of objects.
fn place<'a>(data: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/')
        .skip(1)
        .fold(data, |value, key| match value {
            Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
            Value::Object(map) => map.entry(unescaped(key)).or_insert(Value::Null),
            _ => panic!("`{path}` indexes a value that is neither an array nor an object"),
        })
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
