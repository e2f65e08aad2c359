//! The arguments of a statement.

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Database, Encode, Type};

use crate::error::StatementError;

/// The arguments of a statement, in order. An encoding error is kept until [`finish`](Self::finish).
pub(crate) struct Args<DB: Database> {
    arguments: DB::Arguments,
    error: Option<BoxDynError>,
    /// What stands in place of each `?`, if the statement becomes a part of a script.
    places: Option<Vec<Place>>,
}

/// What stands in place of a `?` in a script, which has no arguments.
#[cfg_attr(
    not(feature = "mysql"),
    allow(dead_code, reason = "only MySQL has such scripts")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Null,
    Number(i64),
    Flag(bool),
    Id([u8; 16]),
    /// The next argument, which is bytes.
    Bytes,
    /// The next argument, which is a text.
    Text,
}

impl Place {
    /// Whether the value is an argument, rather than written into the text.
    pub(crate) const fn is_argument(self) -> bool {
        matches!(self, Self::Bytes | Self::Text)
    }
}

impl<DB: Database> Args<DB> {
    pub(crate) fn new() -> Self {
        Self {
            arguments: DB::Arguments::default(),
            error: None,
            places: None,
        }
    }

    /// The arguments for a statement that becomes a part of a script. Only text and bytes are arguments, because
    /// everything else can be written into the script.
    #[cfg(feature = "mysql")]
    pub(crate) fn of_script() -> Self {
        Self {
            places: Some(Vec::new()),
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

    /// Notes the place of the next value. Returns whether the value is an argument.
    pub(crate) fn note(&mut self, place: Place) -> bool {
        match &mut self.places {
            Some(places) => {
                places.push(place);
                place.is_argument()
            }
            None => true,
        }
    }

    pub(crate) fn finish(self) -> Result<DB::Arguments, StatementError> {
        match self.error {
            Some(error) => Err(StatementError::NotApplied(error)),
            None => Ok(self.arguments),
        }
    }

    /// The arguments, and what stands in place of each `?`.
    #[cfg(feature = "mysql")]
    pub(crate) fn finish_script(mut self) -> Result<(DB::Arguments, Vec<Place>), StatementError> {
        let places = self.places.take().unwrap_or_default();
        Ok((self.finish()?, places))
    }
}
