//! Sessions that a test starts without a request.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use super::jar::{Slot, normal_domain};
use super::{Client, LocalFuture};
use crate::config::{DefaultConfig, SessionConfig, prepared};
use crate::loader::{CookieSpec, Emit, EmitTarget, SidSource};
use crate::record::{CommitId, FIRST_LEVEL, Key, Lifetime, NewLogin, NewRecord, Transport};
use crate::sid::Sid;
use crate::store::{InsertOutcome, SyncStore};

/// A session to be started by [`Client::login_as`] or [`Client::start_session`]. Await it to start it.
#[must_use = "the session starts when it is awaited"]
pub struct NewSession<'a, C: SessionConfig = DefaultConfig> {
    client: &'a Client<C>,
    user: Option<String>,
    level: u8,
    data: C::Data,
    emit: Option<Emit>,
}

impl<'a, C: SessionConfig> NewSession<'a, C> {
    pub(super) fn new(client: &'a Client<C>, user: Option<String>) -> Self {
        Self {
            client,
            user,
            level: FIRST_LEVEL,
            data: C::Data::default(),
            emit: None,
        }
    }

    /// The data of the session; otherwise it is the `Default`.
    pub fn with_data(mut self, data: C::Data) -> Self {
        self.data = data;
        self
    }

    /// How well the user has proved who they are: 2 after a second factor, for a handler with `level = 2`;
    /// otherwise it is 1.
    ///
    /// # Panics
    /// If no user is logged in.
    pub fn level(mut self, level: u8) -> Self {
        assert!(
            self.user.is_some(),
            "a session without a user has no level: use `login_as`"
        );
        self.level = level;
        self
    }

    /// How the client got the sid, for a config with a header and a cookie; otherwise the config decides, as
    /// for `#[session(create)]`.
    pub fn emit(mut self, emit: Emit) -> Self {
        self.emit = Some(emit);
        self
    }

    fn start(self) {
        let prepared = prepared::<C>();
        let options = &prepared.options;
        let target = prepared.loaders.target(None, self.emit.or(options.emit));
        let cookie = match target {
            EmitTarget::Cookie(spec) => Some(spec),
            EmitTarget::Header(_) => None,
        };
        assert!(
            self.emit != Some(Emit::Cookie) || cookie.is_some(),
            "the config {} has no cookie among its `loaders`: leave `emit` out",
            C::NAME
        );
        let sid = Sid::mint();
        let record = NewRecord {
            secret: sid.secret_hash(),
            transport: match cookie {
                Some(_) => Transport::Cookie,
                None => Transport::Other,
            },
            data: Arc::new(self.data),
            login: self.user.as_deref().map(|user| NewLogin {
                level: self.level,
                limit: options.session_limit(),
                ..NewLogin::new(user)
            }),
            label: None,
            lifetime: Lifetime::new(options.idle_timeout, options.absolute_timeout),
            first_use_timeout: options.first_use_timeout,
            commit_id: CommitId::random(),
            max_size: options.encoded_limit(),
            format: options.data_format(),
        };
        let key = Key {
            namespace: options.namespace,
            id: sid.id(),
        };
        match SyncStore::insert(&self.client.backend.store.store, key, &record) {
            Ok(InsertOutcome::Done { .. }) => self.client.hold(sid, cookie),
            Ok(InsertOutcome::Refused(refusal)) => panic!(
                "`{}` cannot log in: {refusal:?}",
                self.user.unwrap_or_default()
            ),
            Ok(InsertOutcome::Exists) => panic!("two sessions have the same random id"),
            Err(error) => panic!("the session cannot start: {error}"),
        }
    }
}

impl<C: SessionConfig> Client<C> {
    /// Holds this sid, and no other one of the config.
    fn hold(&self, sid: Sid, cookie: Option<&CookieSpec>) {
        let mut jar = self.jar.borrow_mut();
        jar.header_sid = None;
        for source in prepared::<C>().loaders.sources() {
            if let SidSource::Cookie(spec) = source {
                jar.remove_cookies(spec.name);
            }
        }
        let Some(spec) = cookie else {
            jar.header_sid = Some(sid.expose());
            return;
        };
        let slot = Slot {
            name: spec.name.to_owned(),
            domain: spec.domain.map(normal_domain).unwrap_or_default(),
            path: spec.path.to_owned(),
            is_partitioned: spec.partitioned,
        };
        jar.add_cookie(slot, sid.expose(), self.clock().now());
    }
}

impl<'a, C: SessionConfig> IntoFuture for NewSession<'a, C> {
    type Output = ();
    type IntoFuture = LocalFuture<'a, ()>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start() })
    }
}

/// Shows the config, but not the data.
impl<C: SessionConfig> fmt::Debug for NewSession<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession")
            .field("config", &C::NAME)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
