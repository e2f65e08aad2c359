//! The JSON form of a session. It also reads the records of earlier releases, so do not rename a
//! field.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StoredRecord;
use connect_session_runtime::record::{CommitId, FIRST_LEVEL, Lifetime, Login, Transport};
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::state::{
    CommitStamp, CurrentSecret, Expiry, OfferedSecret, OtherSecrets, PreviousSecret, RecordState,
};
use connect_session_runtime::timestamp::Timestamp;

#[derive(Serialize, Deserialize)]
pub(super) struct Format {
    namespace: String,
    secret: [u8; 32],
    secret_since: u64,
    offer: Option<Offer>,
    previous: Option<Previous>,
    cookie: bool,
    version: u64,
    epoch: u64,
    generation: u64,
    commit_id: [u8; 16],
    created: u64,
    idle: u64,
    idle_until: u64,
    absolute: u64,
    absolute_until: u64,
    subject: Option<String>,
    /// Absent in records of earlier releases, as are the four that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logged_in_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    awaits_first_use: bool,
    fields: BTreeMap<String, Field>,
}

#[derive(Serialize, Deserialize)]
struct Field {
    json: String,
    /// The version of the record, for earlier releases, which compare it.
    revision: u64,
}

#[derive(Serialize, Deserialize)]
struct Offer {
    secret: [u8; 32],
    made: u64,
    grace: u64,
}

#[derive(Serialize, Deserialize)]
struct Previous {
    secret: [u8; 32],
    until: u64,
}

impl From<StoredRecord> for Format {
    fn from(stored: StoredRecord) -> Self {
        let state = stored.state;
        let login = state.login.as_deref();
        let revision = state.version;
        Self {
            namespace: stored.namespace,
            secret: *state.secret.hash.as_bytes(),
            secret_since: state.secret.since,
            offer: state.others.offered.map(|offered| Offer {
                secret: *offered.hash.as_bytes(),
                made: offered.offered_at,
                grace: offered.grace,
            }),
            previous: state.others.previous.map(|previous| Previous {
                secret: *previous.hash.as_bytes(),
                until: previous.valid_until,
            }),
            cookie: state.transport == Transport::Cookie,
            version: state.version,
            epoch: state.stamp.epoch,
            generation: state.stamp.generation,
            commit_id: state.stamp.commit_id.to_bytes(),
            created: state.expiry.created_at,
            idle: state.expiry.lifetime.idle_millis(),
            idle_until: state.expiry.idle_until,
            absolute: state.expiry.lifetime.absolute_millis(),
            absolute_until: state.expiry.absolute_until,
            subject: login.map(|login| login.subject.to_string()),
            logged_in_at: login.map(|login| login.logged_in_at.as_millis()),
            authenticated_at: login.map(|login| login.authenticated_at.as_millis()),
            level: login.map(|login| login.level),
            label: state.label.as_deref().map(str::to_owned),
            awaits_first_use: state.awaits_first_use,
            fields: (stored.fields.into_iter())
                .map(|(name, json)| (name, Field { json, revision }))
                .collect(),
        }
    }
}

impl From<Format> for StoredRecord {
    fn from(format: Format) -> Self {
        let login = format.subject.map(|subject| {
            let at = |millis: Option<u64>| Timestamp::from_millis(millis.unwrap_or(format.created));
            Arc::new(Login {
                subject: subject.into(),
                logged_in_at: at(format.logged_in_at),
                authenticated_at: at(format.authenticated_at),
                level: format.level.unwrap_or(FIRST_LEVEL),
            })
        });
        let state = RecordState {
            transport: if format.cookie {
                Transport::Cookie
            } else {
                Transport::Other
            },
            secret: CurrentSecret {
                hash: SecretHash::from_bytes(format.secret),
                since: format.secret_since,
            },
            others: OtherSecrets {
                offered: format.offer.map(|offer| OfferedSecret {
                    hash: SecretHash::from_bytes(offer.secret),
                    offered_at: offer.made,
                    grace: offer.grace,
                }),
                previous: format.previous.map(|previous| PreviousSecret {
                    hash: SecretHash::from_bytes(previous.secret),
                    valid_until: previous.until,
                }),
            },
            expiry: Expiry {
                created_at: format.created,
                lifetime: Lifetime::from_millis(format.idle, format.absolute),
                idle_until: format.idle_until,
                absolute_until: format.absolute_until,
            },
            awaits_first_use: format.awaits_first_use,
            stamp: CommitStamp {
                commit_id: CommitId::from_bytes(format.commit_id),
                epoch: format.epoch,
                generation: format.generation,
            },
            version: format.version,
            login,
            label: format.label.map(Arc::from),
        };
        Self {
            namespace: format.namespace,
            state,
            fields: (format.fields.into_iter())
                .map(|(name, field)| (name, field.json))
                .collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_does_not_change() {
        let bytes = |byte: u8, count| vec![byte.to_string(); count].join(",");
        let parts = r#","logged_in_at":14,"authenticated_at":15,"level":2,"label":"phone","awaits_first_use":true"#;
        let text = |parts: &str| {
            format!(
                concat!(
                    r#"{{"namespace":"shop","secret":[{}],"secret_since":1,"#,
                    r#""offer":{{"secret":[{}],"made":2,"grace":3}},"#,
                    r#""previous":{{"secret":[{}],"until":4}},"cookie":true,"version":5,"epoch":6,"#,
                    r#""generation":7,"commit_id":[{}],"created":8,"idle":9,"idle_until":10,"#,
                    r#""absolute":11,"absolute_until":12,"subject":"ada"{},"#,
                    r#""fields":{{"cart":{{"json":"[]","revision":5}}}}}}"#,
                ),
                bytes(1, 32),
                bytes(2, 32),
                bytes(3, 32),
                bytes(4, 16),
                parts,
            )
        };
        let read =
            |text: &str| -> StoredRecord { serde_json::from_str(text).expect("a stored session") };
        let stored = read(&text(parts));
        assert_eq!(
            serde_json::to_string(&stored).expect("encodes"),
            text(parts)
        );

        // A record of an earlier release has only the subject of a login.
        let login = read(&text("")).state.login.expect("a login");
        assert_eq!((&*login.subject, login.level), ("ada", FIRST_LEVEL));
        assert_eq!(login.logged_in_at, Timestamp::from_millis(8));
        assert_eq!(login.authenticated_at, Timestamp::from_millis(8));
    }
}
