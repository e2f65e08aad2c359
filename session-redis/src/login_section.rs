//! The login and the label of a record, in its two sections of entries.
//!
//! | tag | section | content |
//! | --- | --- | --- |
//! | 3 | login | the time of the login, that of the last proof of identity, and the level: 6, 6 and 1 bytes |
//! | 2 | login | the subject, as in the name of its index: see [`subject_text`] |
//! | 1 | login | the subject |
//! | 1 | other | the label |
//!
//! The scripts fill in the times of a new login: it begins with tag 3.

use std::sync::Arc;

use connect_session_runtime::record::{FIRST_LEVEL, Login, SubjectKey};
use connect_session_runtime::timestamp::Timestamp;

use super::key::subject_text;
use super::numbers::{length_bytes, six_bytes};
use super::reader::Reader;

const SUBJECT: u8 = 1;
const INDEX_KEY: u8 = 2;
const PROOF: u8 = 3;
const LABEL: u8 = 1;

/// A section that does not consist of entries, or a text that is not UTF-8.
pub(super) struct Damaged;

/// The login in a section. `created_at` is the time of a login that was written without one.
pub(super) fn read_login(section: &[u8], created_at: u64) -> Result<Option<Arc<Login>>, Damaged> {
    let (mut subject, mut proof) = (None, None);
    for_each_entry(section, |tag, content| {
        match tag {
            SUBJECT => subject = Some(text(content)?),
            PROOF => proof = Some(read_proof(content).ok_or(Damaged)?),
            _ => {}
        }
        Ok(())
    })?;
    let (logged_in_at, authenticated_at, level) =
        proof.unwrap_or((created_at, created_at, FIRST_LEVEL));
    Ok(subject.map(|subject| {
        Arc::new(Login {
            subject,
            logged_in_at: Timestamp::from_millis(logged_in_at),
            authenticated_at: Timestamp::from_millis(authenticated_at),
            level,
        })
    }))
}

/// The label in the section of other parts.
pub(super) fn read_label(section: &[u8]) -> Result<Option<Arc<str>>, Damaged> {
    let mut label = None;
    for_each_entry(section, |tag, content| {
        if tag == LABEL {
            label = Some(text(content)?);
        }
        Ok(())
    })?;
    Ok(label)
}

fn for_each_entry(
    section: &[u8],
    mut read: impl FnMut(u8, &[u8]) -> Result<(), Damaged>,
) -> Result<(), Damaged> {
    let mut reader = Reader::new(section);
    while !reader.rest().is_empty() {
        let [tag] = reader.array().ok_or(Damaged)?;
        read(tag, reader.section().ok_or(Damaged)?)?;
    }
    Ok(())
}

fn text(content: &[u8]) -> Result<Arc<str>, Damaged> {
    let text = std::str::from_utf8(content).map_err(|_| Damaged)?;
    Ok(text.into())
}

fn read_proof(content: &[u8]) -> Option<(u64, u64, u8)> {
    let mut reader = Reader::new(content);
    let (logged_in_at, authenticated_at) = (reader.millis()?, reader.millis()?);
    let [level] = reader.array()?;
    Some((logged_in_at, authenticated_at, level))
}

/// The section of a login.
pub(super) fn login_section(namespace: &'static str, login: &Login) -> Vec<u8> {
    let mut proof = [0; 13];
    proof[..6].copy_from_slice(&six_bytes(login.logged_in_at.as_millis()));
    proof[6..12].copy_from_slice(&six_bytes(login.authenticated_at.as_millis()));
    proof[12] = login.level;
    let index_key = subject_text(&SubjectKey::new(namespace, &login.subject));
    let mut section = Vec::with_capacity(71 + login.subject.len());
    push_entry(&mut section, PROOF, &proof);
    push_entry(&mut section, INDEX_KEY, index_key.as_bytes());
    push_entry(&mut section, SUBJECT, login.subject.as_bytes());
    section
}

/// The section of the other parts of a new record.
pub(super) fn label_section(label: Option<&str>) -> Vec<u8> {
    let mut section = Vec::new();
    if let Some(label) = label {
        push_entry(&mut section, LABEL, label.as_bytes());
    }
    section
}

fn push_entry(section: &mut Vec<u8>, tag: u8, content: &[u8]) {
    section.push(tag);
    section.extend(length_bytes(content));
    section.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            subject: "ada".into(),
            logged_in_at: Timestamp::from_millis(1_700_000_000_000),
            authenticated_at: Timestamp::from_millis(1_700_000_000_001),
            level: 2,
        }
    }

    #[test]
    fn a_login_is_read_as_it_was_written() {
        let read = read_login(&login_section("shop", &login()), 7);
        assert_eq!(read.ok().flatten().as_deref(), Some(&login()));
        assert!(matches!(read_login(&[], 7), Ok(None)));
    }

    #[test]
    fn entries_of_another_version_are_skipped() {
        let mut section = vec![200, 0, 0, 0, 2, 1, 2];
        section.extend(login_section("shop", &login()));
        section.extend([9, 0, 0, 0, 0]);
        let read = read_login(&section, 7);
        assert_eq!(read.ok().flatten().as_deref(), Some(&login()));
        assert!(read_login(&[1, 0, 0, 0, 9, 1], 7).is_err());
    }

    #[test]
    fn a_login_without_times_is_one_of_the_creation() {
        let read = read_login(&[SUBJECT, 0, 0, 0, 3, b'a', b'd', b'a'], 7);
        let read = read.ok().flatten().expect("a login");
        let at = Timestamp::from_millis(7);
        assert_eq!((&*read.subject, read.level), ("ada", 1));
        assert_eq!((read.logged_in_at, read.authenticated_at), (at, at));
    }
}
