//! The arguments of a statement.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Database, Encode, Type};

use super::error::StatementError;

/// Arguments in their order; that one could not be encoded is told when they are sent.
pub(super) struct Args<DB: Database> {
    arguments: DB::Arguments,
    wrong: Option<BoxDynError>,
}

impl<DB: Database> Args<DB> {
    pub(super) fn new() -> Self {
        Self {
            arguments: DB::Arguments::default(),
            wrong: None,
        }
    }

    pub(super) fn bind<T>(mut self, value: T) -> Self
    where
        T: for<'q> Encode<'q, DB> + Type<DB>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.wrong.get_or_insert(error);
        }
        self
    }

    pub(super) fn finish(self) -> Result<DB::Arguments, StatementError> {
        match self.wrong {
            Some(error) => Err(StatementError::NotApplied(error)),
            None => Ok(self.arguments),
        }
    }
}
