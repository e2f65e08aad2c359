//! The name of the table.

use std::fmt;

use super::error::ContextError;

/// The longest name: with what an index adds to it, every server takes it.
const LONGEST: usize = 48;

/// What a table is called, perhaps in a schema. The name is part of every statement, and so it is
/// made of letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    schema: Option<String>,
    name: String,
}

impl Table {
    pub(super) const DEFAULT: &str = "connect_sessions";

    pub(super) fn parse(text: &str) -> Result<Self, ContextError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        if !is_name(name) || !schema.is_none_or(is_name) {
            return Err(ContextError::new(format!(
                "{text:?} cannot be the name of the table: it has ASCII letters, digits and `_`, \
                 begins with no digit, and is no longer than {LONGEST}; a schema before it ends \
                 with a dot, as in `app.sessions`"
            )));
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// The name in a statement.
    pub(super) fn quoted(&self, quote: char) -> String {
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(&self.name)),
            None => quoted(&self.name),
        }
    }

    /// The text of a schema for this table: the name of the index first, because the table's own
    /// is part of it.
    pub(super) fn in_schema(&self, schema: &str, quote: char) -> String {
        let index = format!("{quote}{}_due{quote}", self.name);
        schema
            .replace(&format!("{}_due", Self::DEFAULT), &index)
            .replace(
                &format!(" {} ", Self::DEFAULT),
                &format!(" {} ", self.quoted(quote)),
            )
    }
}

impl Default for Table {
    fn default() -> Self {
        Self {
            schema: None,
            name: Self::DEFAULT.to_owned(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn is_name(name: &str) -> bool {
    let first = name.bytes().next();
    first.is_some_and(|byte| !byte.is_ascii_digit())
        && name.len() <= LONGEST
        && (name.bytes()).all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_and_one_that_could_be_a_statement_is_refused() {
        let table = Table::parse("app.sessions").expect("a name");
        assert_eq!(table.quoted('"'), r#""app"."sessions""#);
        assert_eq!(table.to_string(), "app.sessions");
        let long = "a".repeat(49);
        let refused = [
            "", ".", "a.", ".a", "a.b.c", "a b", "a\"b", "a;b", "1a", "é", "a-b", &long,
        ];
        for name in refused {
            assert!(Table::parse(name).is_err(), "{name}");
        }
    }
}
