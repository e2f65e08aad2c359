//! Changes of data as a script writes them: `["push", "/items", "tea"]`.

use serde_json::Value;

/// Carries one out.
pub fn edit(data: &mut Value, operation: &Value) {
    let operation = operation.as_array().unwrap();
    let name = operation[0].as_str().unwrap();
    if name == "panic" {
        // Without the hook that prints: this panic is meant.
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
        // So many lists, one in the other.
        "nest" => *place(data, path) = nested(size(&argument)),
        "push_nested" => place(data, path)
            .as_array_mut()
            .unwrap()
            .push(nested(size(&argument))),
        // The numbers from zero.
        "count" => *place(data, path) = (0..argument.as_u64().unwrap()).collect(),
        // So many keys.
        "keys" => {
            let keys = (0..size(&argument)).map(|key| (format!("k{key}"), key.into()));
            *place(data, path) = Value::Object(keys.collect());
        }
        // A sum: numbers of the suite are small.
        "add" => {
            let place = place(data, path);
            *place = (place.as_i64().unwrap_or(0) + argument.as_i64().unwrap()).into();
        }
        // An element of a list, by its value.
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
        _ => panic!("there is no operation `{name}`"),
    }
}

fn size(argument: &Value) -> usize {
    usize::try_from(argument.as_u64().unwrap()).unwrap()
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::from(1), |inner, _| Value::Array(vec![inner]))
}

/// The value that a JSON pointer names; keys of objects are made where they are missing.
fn place<'a>(data: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/')
        .skip(1)
        .fold(data, |value, key| match value {
            Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
            Value::Object(map) => map.entry(unescaped(key)).or_insert(Value::Null),
            _ => panic!("`{path}` leads into a value without keys"),
        })
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}
