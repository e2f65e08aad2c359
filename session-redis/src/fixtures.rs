//! Records for unit tests.

use std::sync::Arc;

use connect_session_runtime::data::DataFormat;
use connect_session_runtime::record::{CommitId, Lifetime, NewLogin, NewRecord, Transport};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::state::RecordState;
use connect_session_runtime::untyped::Untyped;

use super::fields::Fields;
use super::header::encode_new;

/// When the records are created, in milliseconds since 1970.
pub(super) const NOW: u64 = 1_700_000_000_000;

pub(super) fn untyped(json: &str) -> Arc<Untyped> {
    Arc::new(serde_json::from_str(json).expect("an object"))
}

pub(super) fn anonymous(json: &str) -> NewRecord<Untyped> {
    NewRecord {
        secret: SecretHash::from_bytes([7; 32]),
        transport: Transport::Cookie,
        data: untyped(json),
        login: None,
        label: None,
        lifetime: Lifetime::from_millis(1_800_000, 86_400_000),
        commit_id: CommitId::from_bytes([9; 16]),
        first_use_timeout: None,
        max_size: 1_000_000,
        format: DataFormat::FIRST,
    }
}

/// A record with all optional parts.
pub(super) fn logged_in(json: &str) -> NewRecord<Untyped> {
    NewRecord {
        login: Some(NewLogin::new("ada")),
        label: Some("phone".into()),
        ..anonymous(json)
    }
}

/// The record as it is stored.
pub(super) fn encode(new: &NewRecord<Untyped>) -> Vec<u8> {
    let fields = Fields::encode(&new.fields().expect("encodes"));
    encode_new("shop", &RecordState::new(new, NOW), 1, fields.as_slice())
}
