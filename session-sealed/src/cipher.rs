//! Seals and opens the text of a field.
//!
//! A sealed field is the JSON text `"sealed1.<id of the key>.<Base64url>"`. The bytes are a nonce of 24 random
//! bytes and what XChaCha20-Poly1305 makes of the field's JSON text. The place of the field is authenticated
//! with it, so a field opens nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use connect_session_runtime::data::{EncodeError, FieldCipher, FieldPlace};

use crate::keys::SealingKeys;

/// What a sealed text begins with.
const BEGIN: &str = "\"sealed1.";

const NONCE_BYTES: usize = 24;

/// The keys, and whether fields may be unsealed.
#[derive(Debug)]
pub(crate) struct Cipher {
    pub(crate) keys: SealingKeys,
    pub(crate) accepts_unsealed: bool,
}

impl FieldCipher for Cipher {
    fn seal(&self, place: FieldPlace<'_>, json: &str) -> Result<String, EncodeError> {
        let key = self.keys.first().ok_or(NOT_SEALED)?;
        let nonce = XNonce::try_generate().map_err(|_| NOT_SEALED)?;
        let place = authenticated(place, &key.id);
        let message = Payload {
            msg: json.as_bytes(),
            aad: &place,
        };
        let sealed = key
            .cipher
            .encrypt(&nonce, message)
            .map_err(|_| NOT_SEALED)?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        Ok(format!(
            "{BEGIN}{}.{}\"",
            key.id,
            URL_SAFE_NO_PAD.encode(bytes)
        ))
    }

    fn open(&self, place: FieldPlace<'_>, stored: &str) -> Option<String> {
        let Some(sealed) = stored.strip_prefix(BEGIN) else {
            return self.accepts_unsealed.then(|| stored.to_owned());
        };
        let (id, bytes) = sealed.strip_suffix('"')?.split_once('.')?;
        let key = self.keys.find(id)?;
        let bytes = URL_SAFE_NO_PAD.decode(bytes).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        open_bytes(&key.cipher, nonce, sealed, &authenticated(place, id))
    }
}

fn open_bytes(
    cipher: &XChaCha20Poly1305,
    nonce: &[u8],
    sealed: &[u8],
    place: &[u8],
) -> Option<String> {
    let message = Payload {
        msg: sealed,
        aad: place,
    };
    let opened = cipher.decrypt(nonce.try_into().ok()?, message).ok()?;
    String::from_utf8(opened).ok()
}

/// The random numbers of the operating system failed, or the field has more than 256 GiB.
const NOT_SEALED: EncodeError = EncodeError::Type("the session data could not be encrypted");

/// The place of a field and the id of the key, as bytes that no other place has.
fn authenticated(place: FieldPlace<'_>, key: &str) -> Vec<u8> {
    let mut bytes = b"connect-session sealed 1".to_vec();
    bytes.extend_from_slice(place.id.as_bytes());
    for part in [place.namespace, key, place.name] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests report failures by panicking")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use connect_session_runtime::data::DataFormat;
    use connect_session_runtime::record::{CommitId, Lifetime, NewRecord, Transport};
    use connect_session_runtime::sid::{SecretHash, SessionId};

    use super::*;

    type Data = BTreeMap<String, String>;

    const ID: SessionId = SessionId::from_bytes([1; 16]);
    const OTHER_ID: SessionId = SessionId::from_bytes([2; 16]);

    /// Keys that differ in their ids only.
    fn cipher() -> &'static Cipher {
        let key = *b"one key, which has three ids now";
        let keys = SealingKeys::new("one", &key).unwrap();
        let keys = keys.with_key("ne", &key).unwrap();
        Box::leak(Box::new(Cipher {
            keys: keys.with_key("oner", &key).unwrap(),
            accepts_unsealed: false,
        }))
    }

    fn format(namespace: &'static str, id: SessionId) -> DataFormat {
        DataFormat::FIRST.sealed(cipher(), namespace, id)
    }

    /// The stored text of a field `role`.
    fn sealed() -> String {
        let hour = Duration::from_secs(3600);
        let record = NewRecord {
            secret: SecretHash::from_bytes([0; 32]),
            transport: Transport::Other,
            data: Arc::new(Data::from([("role".to_owned(), "user".to_owned())])),
            login: None,
            label: None,
            lifetime: Lifetime::new(hour, hour),
            first_use_timeout: None,
            commit_id: CommitId::from_bytes([0; 16]),
            max_size: 1_000,
            format: format("shop", ID),
        };
        record.fields().unwrap()["role"].get().to_owned()
    }

    fn opens(namespace: &'static str, id: SessionId, name: &str, text: &str) -> bool {
        let fields = [(name, text)].into_iter();
        let read = format(namespace, id).decode::<Data>(fields, 1);
        read.is_ok_and(|read| read.data[name] == "user")
    }

    #[test]
    fn a_field_opens_only_with_its_namespace_session_name_and_key() {
        let text = sealed();
        assert!(opens("shop", ID, "role", &text));
        assert!(!opens("store", ID, "role", &text), "namespace");
        assert!(!opens("shop", OTHER_ID, "role", &text), "session");
        assert!(!opens("shop", ID, "note", &text), "name");
        let with_key = |id: &str| text.replace(".one.", &format!(".{id}."));
        assert!(!opens("shop", ID, "role", &with_key("ne")), "key");
        // The same bytes one after the other, if their lengths did not count.
        assert!(
            !opens("shopo", ID, "role", &with_key("ne")),
            "namespace and key"
        );
        assert!(!opens("shop", ID, "ole", &with_key("oner")), "key and name");
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let text = sealed();
        let body = text.rfind('.').unwrap() + 1..text.len() - 1;
        for at in body {
            // Another letter of the alphabet of Base64, which is one byte.
            let changed = if &text[at..=at] == "A" { "B" } else { "A" };
            let changed = format!("{}{changed}{}", &text[..at], &text[at + 1..]);
            assert!(!opens("shop", ID, "role", &changed), "{changed}");
        }
    }
}
