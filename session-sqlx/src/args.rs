//! The arguments of a statement.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Database, Encode, Type};

use crate::error::StatementError;

/// The arguments of a statement, in order. An encoding error is kept until [`finish`](Self::finish).
pub(crate) struct Args<DB: Database> {
    arguments: DB::Arguments,
    error: Option<BoxDynError>,
}

impl<DB: Database> Args<DB> {
    pub(crate) fn new() -> Self {
        Self {
            arguments: DB::Arguments::default(),
            error: None,
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

    pub(crate) fn finish(self) -> Result<DB::Arguments, StatementError> {
        match self.error {
            Some(error) => Err(StatementError::NotApplied(error)),
            None => Ok(self.arguments),
        }
    }
}
