//! The users, in memory: their passwords and their one-time codes. A real program has a database here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use axum::http::StatusCode;
use tokio::sync::Semaphore;
use totp_rs::TOTP;

/// How many passwords are hashed at the same time, each in 19 MiB.
static HASHING: Semaphore = Semaphore::const_new(4);

/// After this many wrong codes in a row, a user's codes are refused for a while (RFC 6238, 5.2; RFC 4226, 7.3).
const WRONG_CODES: u8 = 5;
const LOCKED: Duration = Duration::from_secs(15 * 60);

#[derive(Clone)]
pub(crate) struct Users {
    by_name: Arc<Mutex<HashMap<String, User>>>,
    /// A hash that no password matches, to be compared if there is no such user.
    nobody: Arc<str>,
}

struct User {
    /// Argon2's, with its salt and its parameters.
    password_hash: String,
    codes: Option<Codes>,
}

/// The one-time codes of a user (RFC 6238).
struct Codes {
    totp: TOTP,
    /// The time step of the latest accepted code, because each code is good for one use. `None` until the
    /// first one shows that the user's application has the secret.
    last_step: Option<u64>,
    wrong: u8,
    locked_until: Option<Instant>,
}

impl Users {
    pub(crate) async fn new() -> Result<Self, StatusCode> {
        let password = SaltString::generate(&mut OsRng).to_string();
        Ok(Self {
            by_name: Arc::default(),
            nobody: hash(password).await?.into(),
        })
    }

    /// Returns whether the name was free.
    pub(crate) fn add(&self, name: &str, password_hash: String) -> bool {
        let mut users = self.lock();
        let is_free = !users.contains_key(name);
        if is_free {
            let codes = None;
            let user = User {
                password_hash,
                codes,
            };
            users.insert(name.to_owned(), user);
        }
        is_free
    }

    /// Checks a password. It takes the same time if there is no such user.
    pub(crate) async fn verify(&self, name: &str, password: String) -> Result<bool, StatusCode> {
        let found = (self.lock().get(name)).map(|user| user.password_hash.clone());
        let is_known = found.is_some();
        let expected = found.unwrap_or_else(|| self.nobody.to_string());
        let is_right = on_blocking_thread(move || {
            PasswordHash::new(&expected).is_ok_and(|expected| {
                let argon2 = Argon2::default();
                let verified = argon2.verify_password(password.as_bytes(), &expected);
                verified.is_ok()
            })
        });
        Ok(is_right.await? && is_known)
    }

    pub(crate) fn set_password(&self, name: &str, password_hash: String) {
        if let Some(user) = self.lock().get_mut(name) {
            user.password_hash = password_hash;
        }
    }

    pub(crate) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Makes a new secret for one-time codes, unless the user has confirmed one.
    pub(crate) fn set_up_codes(&self, name: &str) {
        if let Some(user) = self.lock().get_mut(name)
            && (user.codes.as_ref()).is_none_or(|codes| codes.last_step.is_none())
        {
            user.codes = Some(Codes {
                // With a random secret.
                totp: TOTP::default(),
                last_step: None,
                wrong: 0,
                locked_until: None,
            });
        }
    }

    /// The secret for the user's application in base32, until the first code confirms it.
    pub(crate) fn unconfirmed_secret(&self, name: &str) -> Option<String> {
        let users = self.lock();
        let codes = users.get(name)?.codes.as_ref()?;
        (codes.last_step.is_none()).then(|| codes.totp.get_secret_base32())
    }

    /// Uses a one-time code up, or says why not.
    pub(crate) fn use_code(&self, name: &str, code: &str) -> Result<(), &'static str> {
        let mut users = self.lock();
        let codes = (users.get_mut(name)).and_then(|user| user.codes.as_mut());
        codes.ok_or("set up one-time codes first")?.check(code)
    }

    /// A thread that panics leaves each user as before or after its change.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Codes {
    fn check(&mut self, code: &str) -> Result<(), &'static str> {
        if let Some(until) = self.locked_until {
            if Instant::now() < until {
                return Err("too many wrong codes: try again in 15 minutes");
            }
            self.locked_until = None;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_secs()) / self.totp.step;
        // Clocks differ, and people are slow: the codes before and after the current one are good, too.
        let mut steps = now.saturating_sub(1)..=now + 1;
        let used = steps.find(|step| {
            let is_unused = self.last_step.is_none_or(|last| *step > last);
            is_unused && self.totp.generate(step * self.totp.step) == code
        });
        if used.is_some() {
            self.last_step = used;
            self.wrong = 0;
            return Ok(());
        }
        self.wrong += 1;
        if self.wrong == WRONG_CODES {
            self.wrong = 0;
            self.locked_until = Some(Instant::now() + LOCKED);
        }
        Err("wrong code, or one that was used before")
    }
}

pub(crate) async fn hash(password: String) -> Result<String, StatusCode> {
    let hashed = on_blocking_thread(move || {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
    });
    (hashed.await?).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// Argon2 computes for tens of milliseconds, in which an async thread could not serve other requests.
async fn on_blocking_thread<T: Send + 'static>(
    compute: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StatusCode> {
    let permit = HASHING.acquire().await;
    let computed = tokio::task::spawn_blocking(move || {
        // Until it is done, even if the client does not wait for it.
        let _permit = permit;
        compute()
    });
    (computed.await).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
