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
