//! What a change is based on.

use connect_session_runtime::record::Change;
use connect_session_runtime::store::StoreError;

use super::fields::FIELDS_ONLY;
use super::header::Header;

/// What the program knows of the record that a change is based on.
pub(super) struct Base<'a> {
    /// `None` if only fields are known, or nothing.
    pub(super) header: Option<Header>,
    /// The whole record if there is a header; otherwise its fields.
    pub(super) bytes: &'a [u8],
}

impl<'a> Base<'a> {
    /// Reads what the snapshot keeps on which the change is based.
    ///
    /// # Errors
    /// As [`Header::read`].
    pub(super) fn of<D>(change: &'a Change<D>) -> Result<Self, StoreError> {
        let snapshot = change.data.as_ref().and_then(|data| data.base.as_ref());
        let (header, bytes) = match snapshot.and_then(|snapshot| snapshot.bytes()) {
            None => (None, &[][..]),
            Some([FIELDS_ONLY, fields @ ..]) => (None, fields),
            Some(record) => (Some(Header::read(record)?), record),
        };
        Ok(Self { header, bytes })
    }

    /// The encoded fields; none if the change is based on nothing.
    pub(super) fn fields(&self) -> &'a [u8] {
        let begin = self.header.as_ref().map_or(0, |header| header.fields_at);
        &self.bytes[begin..]
    }
}
