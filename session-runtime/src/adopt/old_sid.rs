//! The ids of old sessions, and what is derived from one.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::record::Key;
use crate::sid::{HashedSid, SecretHash, SessionId};

/// These and the namespace are hashed before an old id. Each is longer than a secret; see
/// [`OldSid::adopter`].
const ID_LABEL: &str = "connect-session: the record id of an adopted session";
const SECRET_LABEL: &str = "connect-session: the adopter's secret of an adopted session";

/// The id of an old session, from a cookie whose signature, if the library signs its cookies, was checked.
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct OldSid {
    text: String,
    is_in_store: bool,
}

impl OldSid {
    /// An id from a cookie that is signed or encrypted. Somebody who can only read the old store cannot make
    /// such a cookie.
    #[must_use]
    pub fn signed(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_in_store: false,
        }
    }

    /// An id from a cookie that contains nothing else. Somebody who can read the old store can make such a
    /// cookie, so it is accepted for a shorter time after the session was adopted.
    #[must_use]
    pub fn stored(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_in_store: true,
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether somebody who can read the old store can make the cookie.
    pub(crate) const fn is_in_store(&self) -> bool {
        self.is_in_store
    }

    /// The key of the record of the adopted session. All requests with one old id have the same one, so the
    /// store decides which of them inserts it.
    pub(crate) fn key(&self, namespace: &'static str) -> Key {
        let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            self.hash(ID_LABEL, namespace);
        Key {
            namespace,
            id: SessionId::adopted(bytes),
        }
    }

    /// What the old cookie opens the record with: a hash in place of that of a secret.
    ///
    /// No sid opens the record this way, not even for somebody who knows the old id. It would need a secret
    /// with this hash, and a secret is shorter than what is hashed here.
    pub(crate) fn adopter(&self, namespace: &'static str) -> HashedSid {
        HashedSid {
            id: self.key(namespace).id,
            secret: SecretHash::from_bytes(self.hash(SECRET_LABEL, namespace)),
        }
    }

    fn hash(&self, label: &str, namespace: &str) -> [u8; 32] {
        let hash = Sha256::new()
            .chain_update(label)
            .chain_update([0])
            .chain_update(namespace)
            .chain_update([0])
            .chain_update(&self.text)
            .finalize();
        hash.into()
    }
}

impl fmt::Debug for OldSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldSid")
            .field("is_in_store", &self.is_in_store)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_depends_on_the_namespace_and_the_old_id_alone() {
        let (one, same) = (OldSid::signed("a"), OldSid::stored("a"));
        assert_eq!(one.key("shop"), same.key("shop"));
        assert_eq!(one.adopter("shop").secret, same.adopter("shop").secret);
        assert_ne!(one.key("shop").id, one.key("blog").id);
        assert_ne!(one.key("shop").id, OldSid::signed("b").key("shop").id);
        assert!(one.adopter("shop").secret != OldSid::signed("b").adopter("shop").secret);
        assert!(one.key("shop").id.is_adopted());
        assert_eq!(one.key("shop").id.to_string().as_bytes()[14], b'8');
    }

    #[test]
    fn no_secret_is_as_long_as_what_is_hashed() {
        assert!(ID_LABEL.len() > 32 && SECRET_LABEL.len() > 32);
    }

    #[test]
    fn debug_hides_the_id() {
        assert!(!format!("{:?}", OldSid::signed("private")).contains("private"));
    }
}
