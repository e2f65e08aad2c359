//! Checks the limits of the data before it is stored or merged.

use super::session_core::{Phase, SessionCore};
use crate::config::{self, Options, SessionConfig};
use crate::data::{self, EncodeError, check};
use crate::error::Error;
use crate::record::{IdentityChange, Login, LoginChange};
use crate::store::{StoreError, StoreRef};

impl<C: SessionConfig> SessionCore<C> {
    /// Checks data before it is stored or merged.
    ///
    /// Depth and fields are checked for every store: data that does not work on a server must not work
    /// in memory, and a merge must never see data that is too deep.
    pub(super) fn check_data(&self, data: &C::Data) -> Result<(), Error> {
        check_type::<C>()
            .and_then(|()| check::check(data, self.options.max_fields))
            .and_then(|()| self.check_size(data))
            .map_err(|error| self.store_failed("commit", error.into(), None))
    }

    /// Checks a declared `max_size` for a store of live values. A serializing store checks its own limit.
    fn check_size(&self, data: &C::Data) -> Result<(), EncodeError> {
        if self.store.is_serializing() || self.options.max_size.is_none() {
            return Ok(());
        }
        let limit = {
            let login = self.state().login_after(self.store.now());
            self.limit_beside(login.as_deref())
        };
        data::encode(data, Some(limit)).map(drop)
    }

    /// The number of bytes that the encoded data may have beside the subject.
    pub(super) fn limit_beside(&self, login: Option<&Login>) -> u64 {
        let subject = login.map_or(0, |login| login.subject.len()) as u64;
        self.options.encoded_limit().saturating_sub(subject)
    }

    /// The error for data that exceeds a limit beside the subject: with the subject, and the limit of
    /// the config.
    pub(super) fn with_subject(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Encode(EncodeError::TooLarge { size, limit }) => {
                let subject = self.options.encoded_limit().saturating_sub(limit);
                let size = size.saturating_add(usize::try_from(subject).unwrap_or(usize::MAX));
                let limit = limit.saturating_add(subject);
                StoreError::Encode(EncodeError::TooLarge { size, limit })
            }
            error => error,
        }
    }

    /// Checks that a new subject fits beside the stored data.
    pub(super) fn check_subject(&self, identity: &IdentityChange) -> Result<(), Error> {
        let LoginChange::Set(login) = &identity.login else {
            return Ok(());
        };
        let subject = &login.subject;
        if !self.store.is_serializing() && self.options.max_size.is_none() {
            return Ok(());
        }
        let stored = match &self.state().phase {
            Phase::Stored(snapshot) => snapshot.data.clone(),
            Phase::New | Phase::Ended { .. } => return Ok(()),
        };
        let size = serde_json::to_string(&*stored).map_or(0, |text| text.len());
        let limit = self.options.encoded_limit();
        let whole = size.saturating_add(subject.len());
        // Data that a former version stored with a higher limit does not keep a user from logging in.
        if size as u64 > limit && subject.len() as u64 <= limit || whole as u64 <= limit {
            return Ok(());
        }
        let error = EncodeError::TooLarge { size: whole, limit };
        Err(self.store_failed("commit", error.into(), None))
    }
}

/// Checks the data of a session that has no core yet.
pub(super) fn check_new<C: SessionConfig>(
    store: &StoreRef<C::Data, C::Store>,
    options: &Options,
    data: &C::Data,
    max_size: u64,
) -> Result<(), EncodeError> {
    check_type::<C>()?;
    check::check(data, options.max_fields)?;
    if store.is_serializing() || options.max_size.is_none() {
        return Ok(());
    }
    data::encode(data, Some(max_size)).map(drop)
}

/// Checks that the type of the data can be stored at all.
fn check_type<C: SessionConfig>() -> Result<(), EncodeError> {
    match config::data_problem::<C>() {
        None => Ok(()),
        Some(problem) => Err(EncodeError::Type(problem)),
    }
}
