//! The arguments of a statement.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Database, Encode, Type};

use crate::error::StatementError;

/// The arguments of a statement, in order. An encoding error is kept until [`finish`](Self::finish).
pub(crate) struct Args<DB: Database> {
    arguments: DB::Arguments,
    error: Option<BoxDynError>,
    /// What replaces each `?`, if the statement becomes a part of a script.
    parameters: Option<Vec<Parameter>>,
}

/// What replaces a `?` in a script, because a script has no arguments.
#[cfg_attr(
    not(feature = "mysql"),
    allow(dead_code, reason = "only MySQL has such scripts")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameter {
    Null,
    Number(i64),
    Flag(bool),
    Id([u8; 16]),
    /// A variable that holds the next argument, which is bytes.
    Bytes,
    /// A variable that holds the next argument, which is a text.
    Text,
}

impl Parameter {
    /// Whether a variable holds the value. Every other value is written into the script.
    pub(crate) const fn is_variable(self) -> bool {
        matches!(self, Self::Bytes | Self::Text)
    }
}

impl<DB: Database> Args<DB> {
    pub(crate) fn new() -> Self {
        Self {
            arguments: DB::Arguments::default(),
            error: None,
            parameters: None,
        }
    }

    /// The arguments of a statement that becomes a part of a script. Only texts and bytes remain arguments.
    #[cfg(feature = "mysql")]
    pub(crate) fn for_script() -> Self {
        Self {
            parameters: Some(Vec::new()),
            ..Self::new()
        }
    }

    pub(crate) fn bind<'t, T>(mut self, value: T) -> Self
    where
        T: Encode<'t, DB> + Type<DB> + 't,
    {
        if let Err(error) = self.arguments.add(value) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// Appends a value. `bind` appends it as an argument, unless it is written into a script.
    pub(crate) fn add(mut self, parameter: Parameter, bind: impl FnOnce(Self) -> Self) -> Self {
        if let Some(parameters) = &mut self.parameters {
            parameters.push(parameter);
            if !parameter.is_variable() {
                return self;
            }
        }
        bind(self)
    }

    pub(crate) fn finish(self) -> Result<DB::Arguments, StatementError> {
        match self.error {
            Some(error) => Err(StatementError::NotApplied(error)),
            None => Ok(self.arguments),
        }
    }

    /// The arguments, and what replaces each `?`.
    #[cfg(feature = "mysql")]
    pub(crate) fn finish_script(
        mut self,
    ) -> Result<(DB::Arguments, Vec<Parameter>), StatementError> {
        let parameters = self.parameters.take().unwrap_or_default();
        Ok((self.finish()?, parameters))
    }
}
