//! The limits of the data, before it is stored or merged.

use super::session_core::SessionCore;
use crate::config::SessionConfig;
use crate::data::{self, EncodeError, check};
use crate::error::Error;

impl<C: SessionConfig> SessionCore<C> {
    /// Checks data that is to be stored or merged.
    ///
    /// In every store: what is refused by a server is not to work in memory, and what is merged is
    /// never nested deeper than it can be read.
    pub(super) fn check_data(&self, data: &C::Data) -> Result<(), Error> {
        check::check(data, self.options.max_fields)
            .and_then(|()| self.check_size(data))
            .map_err(|error| self.store_failed("commit", error.into(), None))
    }

    /// A declared `max_size` holds in a store of live values too.
    fn check_size(&self, data: &C::Data) -> Result<(), EncodeError> {
        if self.store.is_serializing() || self.options.max_size.is_none() {
            return Ok(());
        }
        data::encode(data, self.options.max_size).map(drop)
    }
}
