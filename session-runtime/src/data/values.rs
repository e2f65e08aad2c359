//! Interned JSON values: each distinct value is kept once under a number, and two values are equal if
//! their numbers are.
//!
//! The time to read a text is proportional to its length, and to compare two values is constant.
//! Nothing here recurses.

mod index;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use serde_json::value::RawValue;

use self::index::Index;

/// A value, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ValueId(u32);

/// The key of an object, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyId(u32);

impl ValueId {
    /// The number, counted from zero.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The content of a value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape<'t> {
    /// A number, a string, a boolean or null, as its JSON text, so that no number is rounded.
    Scalar(&'t str),
    /// The elements of an array.
    List(Vec<ValueId>),
    /// The entries of an object, sorted by the number of their keys.
    Object(Vec<(KeyId, ValueId)>),
}

/// All values that were read or created.
pub(crate) struct Values<'t> {
    hasher: RandomState,
    shapes: Vec<Shape<'t>>,
    /// The text of each value as it was first read; `None` if it was created.
    texts: Vec<Option<&'t str>>,
    ids: Index,
    keys: Vec<Cow<'t, str>>,
    key_ids: Index,
}

/// An array or object that is being read.
struct Open {
    /// Where its text begins.
    start: usize,
    content: Content,
}

enum Content {
    List(Vec<ValueId>),
    /// The entries, and the key whose value comes next.
    Object(Vec<(KeyId, ValueId)>, Option<KeyId>),
}

impl<'t> Values<'t> {
    /// Starts without values. Arrays are equal if their elements are, in the same order.
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shapes: Vec::new(),
            texts: Vec::new(),
            ids: Index::default(),
            keys: Vec::new(),
            key_ids: Index::default(),
        }
    }

    /// The number of distinct values.
    pub(crate) fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Reads a JSON text, without validating it. `None` if the text is incomplete, or if there are
    /// more than 2³² values.
    pub(crate) fn read(&mut self, text: &'t str) -> Option<ValueId> {
        let bytes = text.as_bytes();
        let mut open: Vec<Open> = Vec::new();
        let mut at = 0;
        loop {
            while matches!(bytes.get(at)?, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
                at += 1;
            }
            let start = at;
            let value = match *bytes.get(at)? {
                first @ (b'[' | b'{') => {
                    let content = if first == b'[' {
                        Content::List(Vec::new())
                    } else {
                        Content::Object(Vec::new(), None)
                    };
                    open.push(Open { start, content });
                    at += 1;
                    continue;
                }
                b']' | b'}' => {
                    at += 1;
                    let closed = open.pop()?;
                    let shape = match closed.content {
                        Content::List(items) => Shape::List(items),
                        Content::Object(entries, _) => object(entries),
                    };
                    self.intern(shape, text.get(closed.start..at))?
                }
                b'"' => {
                    at = end_of_string(bytes, at)?;
                    let token = text.get(start..at)?;
                    if let Some(Open {
                        content: Content::Object(_, key @ None),
                        ..
                    }) = open.last_mut()
                    {
                        *key = Some(self.key(token)?);
                        continue;
                    }
                    self.intern(Shape::Scalar(token), Some(token))?
                }
                _ => {
                    let is_part = |byte: &u8| {
                        !matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
                    };
                    at += bytes[at..].iter().take_while(|byte| is_part(byte)).count();
                    let token = text.get(start..at)?;
                    self.intern(Shape::Scalar(token), Some(token))?
                }
            };
            match open.last_mut() {
                None => return Some(value),
                Some(Open {
                    content: Content::List(items),
                    ..
                }) => items.push(value),
                Some(Open {
                    content: Content::Object(entries, key),
                    ..
                }) => entries.push((key.take()?, value)),
            }
        }
    }

    /// Creates an array and returns its number.
    pub(crate) fn list(&mut self, items: Vec<ValueId>) -> Option<ValueId> {
        self.intern(Shape::List(items), None)
    }

    /// Creates an object and returns its number.
    pub(crate) fn object(&mut self, entries: Vec<(KeyId, ValueId)>) -> Option<ValueId> {
        self.intern(object(entries), None)
    }

    /// The content of a value.
    pub(crate) fn shape(&self, id: ValueId) -> &Shape<'t> {
        &self.shapes[id.index()]
    }

    /// The text of a key, without quotes and escapes.
    pub(crate) fn key_text(&self, id: KeyId) -> &str {
        &self.keys[id.0 as usize]
    }

    /// The JSON text of a value, as it was first read if it was.
    pub(crate) fn text(&self, id: ValueId) -> String {
        enum Step {
            Value(ValueId),
            Key(KeyId),
            Literal(char),
        }
        let mut text = String::new();
        let mut steps = vec![Step::Value(id)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Literal(character) => text.push(character),
                // A string always has a JSON form.
                Step::Key(key) => {
                    text += &serde_json::to_string(self.key_text(key)).unwrap_or_default();
                    text.push(':');
                }
                Step::Value(id) => match (self.texts[id.index()], self.shape(id)) {
                    (Some(read), _) => text += read,
                    (None, Shape::Scalar(read)) => text += *read,
                    (None, Shape::List(items)) => {
                        text.push('[');
                        steps.push(Step::Literal(']'));
                        for (at, item) in items.iter().enumerate().rev() {
                            steps.push(Step::Value(*item));
                            steps.extend((at > 0).then_some(Step::Literal(',')));
                        }
                    }
                    (None, Shape::Object(entries)) => {
                        text.push('{');
                        steps.push(Step::Literal('}'));
                        for (at, (key, value)) in entries.iter().enumerate().rev() {
                            steps.extend([Step::Value(*value), Step::Key(*key)]);
                            steps.extend((at > 0).then_some(Step::Literal(',')));
                        }
                    }
                },
            }
        }
        text
    }

    /// Like [`text`](Self::text), as a `RawValue`.
    pub(crate) fn raw(&self, id: ValueId) -> Option<Box<RawValue>> {
        RawValue::from_string(self.text(id)).ok()
    }

    fn intern(&mut self, shape: Shape<'t>, text: Option<&'t str>) -> Option<ValueId> {
        let Self {
            hasher,
            shapes,
            texts,
            ids,
            ..
        } = self;
        let hash = hasher.hash_one(&shape);
        if let Some(id) = ids.find(hash, |id| shapes[id as usize] == shape) {
            return Some(ValueId(id));
        }
        let id = ids.add(hash)?;
        shapes.push(shape);
        texts.push(text);
        Some(ValueId(id))
    }

    /// The number of a key, which is given as its JSON text.
    fn key(&mut self, token: &'t str) -> Option<KeyId> {
        let key = if token.contains('\\') {
            Cow::Owned(serde_json::from_str(token).ok()?)
        } else {
            Cow::Borrowed(token.get(1..token.len() - 1)?)
        };
        let Self {
            hasher,
            keys,
            key_ids,
            ..
        } = self;
        let hash = hasher.hash_one(&*key);
        if let Some(id) = key_ids.find(hash, |id| keys[id as usize] == key) {
            return Some(KeyId(id));
        }
        let id = key_ids.add(hash)?;
        keys.push(key);
        Some(KeyId(id))
    }
}

/// Sorts the entries by key. If a key occurs twice, the last value counts, as in serde.
fn object<'t>(mut entries: Vec<(KeyId, ValueId)>) -> Shape<'t> {
    entries.reverse();
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    Shape::Object(entries)
}

/// The byte after the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
