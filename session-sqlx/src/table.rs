//! The name of the table.

use std::fmt;

use crate::error::ContextError;

/// The maximum length of a name. Every database also accepts the names of the indexes and of the table of
/// subjects, which are longer.
const MAX_LENGTH: usize = 48;

/// The name of a table, optionally with a schema. It is part of the text of every statement, so only
/// letters, digits and `_` are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    schema: Option<String>,
    name: String,
}

impl Table {
    pub(crate) const DEFAULT: &str = "connect_sessions";

    pub(crate) fn parse(text: &str) -> Result<Self, ContextError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        if !is_name(name) || !schema.is_none_or(is_name) {
            return Err(ContextError::new(format!(
                "{text:?} is not a valid table name: use ASCII letters, digits and `_`, at most \
                 {MAX_LENGTH}, and do not begin with a digit; a schema before it ends with a dot, as in \
                 `app.sessions`"
            )));
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// The name as it is written in a statement.
    pub(crate) fn quoted(&self, quote: char) -> String {
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        match &self.schema {
            Some(schema) => format!("{}.{}", quoted(schema), quoted(&self.name)),
            None => quoted(&self.name),
        }
    }

    /// The table of subjects beside this one.
    pub(crate) fn subjects(&self) -> Self {
        Self {
            schema: self.schema.clone(),
            name: format!("{}_subjects", self.name),
        }
    }

    /// The name of the index of the sessions of each subject.
    pub(crate) fn subject_index(&self) -> String {
        format!("{}_subject", self.name)
    }

    /// The name of the index of the sessions of each subject, with the schema.
    #[cfg(feature = "postgres")]
    pub(crate) fn quoted_subject_index(&self, quote: char) -> String {
        let index = Self {
            schema: self.schema.clone(),
            name: self.subject_index(),
        };
        index.quoted(quote)
    }

    /// The SQL of a schema, for this table in place of the default one.
    pub(crate) fn in_schema(&self, schema: &str, quote: char) -> String {
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        let due = quoted(&format!("{}_due", self.name));
        schema
            .replace(&format!("{}_due", Self::DEFAULT), &due)
            .replace(
                &format!(" {}_subject ", Self::DEFAULT),
                &format!(" {} ", quoted(&self.subject_index())),
            )
            .replace(
                &format!(" {}_subjects ", Self::DEFAULT),
                &format!(" {} ", self.subjects().quoted(quote)),
            )
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
        && name.len() <= MAX_LENGTH
        && (name.bytes()).all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_names_with_other_characters_are_refused() {
        let table = Table::parse("app.sessions").expect("a valid name");
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
