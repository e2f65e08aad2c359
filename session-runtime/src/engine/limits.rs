//! Checks the limits of the data before it is stored or merged.

use super::session_core::SessionCore;
use crate::config::SessionConfig;
use crate::data::{self, EncodeError, check};
use crate::error::Error;

impl<C: SessionConfig> SessionCore<C> {
    /// Checks data before it is stored or merged.
    ///
    /// Depth and fields are checked for every store: data that does not work on a server must not work
    /// in memory, and a merge must never see data that is too deep.
    pub(super) fn check_data(&self, data: &C::Data) -> Result<(), Error> {
        check::check(data, self.options.max_fields)
            .and_then(|()| self.check_size(data))
            .map_err(|error| self.store_failed("commit", error.into(), None))
    }

    /// Checks a declared `max_size` for a store of live values. A serializing store checks its own limit.
    fn check_size(&self, data: &C::Data) -> Result<(), EncodeError> {
        if self.store.is_serializing() || self.options.max_size.is_none() {
            return Ok(());
        }
        data::encode(data, self.options.max_size).map(drop)
    }
}
