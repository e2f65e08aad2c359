//! The record of an adopted session in the store.

use std::sync::Arc;
use std::time::Duration;

use super::{Adopter, is_confirmed};
use crate::adopt::Adopted;
use crate::config::SessionConfig;
use crate::engine::limits::check_new;
use crate::engine::load::Loaded;
use crate::error::{Error, ErrorKind};
use crate::event::{self, EventKind};
use crate::record::{
    Change, CommitId, IdentityChange, Lifetime, LoadRequest, LoginChange, NewLogin, NewRecord,
    Renewal,
};
use crate::store::{CommitOutcome, InsertOutcome, LoadOutcome};

/// How long a record lives that was not confirmed, because its request was cancelled or has crashed.
const UNCONFIRMED: Duration = Duration::from_secs(60);

impl<C: SessionConfig> Adopter<'_, C> {
    /// Inserts the record of the session, which opens nothing yet, unless there is one.
    pub(super) async fn insert(&self, adopted: Adopted<C::Data>) -> Result<(), Error> {
        let options = self.context.options;
        let subject = adopted.user.as_ref().map_or(0, |user| user.len());
        let max_size = (options.encoded_limit()).saturating_sub(subject as u64);
        check_new::<C>(&self.store, options, &adopted.data, max_size)
            .map_err(|error| self.store_failed("insert", error.into()))?;
        let record = NewRecord {
            secret: self.sid.secret,
            transport: self.context.target.transport(),
            data: Arc::new(adopted.data),
            login: None,
            label: None,
            lifetime: Lifetime::new(UNCONFIRMED, UNCONFIRMED),
            first_use_timeout: None,
            commit_id: CommitId::random(),
            max_size,
            format: options.data_format(),
        };
        let inserted = self.store.insert(self.key, &record).await;
        match inserted.map_err(|error| self.store_failed("insert", error))? {
            InsertOutcome::Done { evicted, .. } => {
                for id in evicted {
                    let listener = options.on_event;
                    event::emit(listener, C::NAME, Some(id), EventKind::Evicted, None);
                }
                Ok(())
            }
            InsertOutcome::Exists => Ok(()),
            // It has no login.
            InsertOutcome::Refused(refusal) => Err(self.login_refused(None, refusal)),
        }
    }

    /// Confirms the record, so that it opens the session. Returns whether this request has done that; otherwise
    /// another one has, or the record has ended.
    pub(super) async fn confirm(&self, user: Option<Arc<str>>) -> Result<bool, Error> {
        let options = self.context.options;
        let login = user.clone().map_or(LoginChange::Keep, |user| {
            LoginChange::Set(NewLogin {
                limit: options.session_limit(),
                ..NewLogin::new(user)
            })
        });
        let change = Change {
            commit_id: CommitId::random(),
            epoch: 0,
            generation: 0,
            data: None,
            identity: Some(IdentityChange {
                secret: self.sid.secret,
                new_generation: true,
                login,
            }),
            lifetime: Some(Lifetime::new(
                options.idle_timeout,
                options.absolute_timeout,
            )),
            format: options.data_format(),
            label: None,
        };
        let confirmed = self.store.commit(self.key, &change).await;
        match confirmed.map_err(|error| self.store_failed("commit", error))? {
            CommitOutcome::Applied { ended, .. } => {
                self.emit(user.as_deref(), EventKind::Adopted);
                let listener = options.on_event;
                for id in ended {
                    let (id, user) = (Some(id), user.as_deref());
                    event::emit_of_user(listener, C::NAME, id, user, EventKind::Replaced, None);
                }
                Ok(true)
            }
            CommitOutcome::Conflict(_) | CommitOutcome::Ended => Ok(false),
            CommitOutcome::Refused(refusal) => {
                self.end().await?;
                Err(self.login_refused(user.as_deref(), refusal))
            }
        }
    }

    /// The record, if a request has confirmed it.
    pub(super) async fn load_confirmed(&self) -> Result<Option<Loaded<C::Data>>, Error> {
        Ok(self.load(None).await?.filter(is_confirmed))
    }

    /// Loads the record with the old cookie.
    pub(super) async fn load(
        &self,
        offer_every: Option<Duration>,
    ) -> Result<Option<Loaded<C::Data>>, Error> {
        let options = self.context.options;
        let offer = offer_every.map(|every| (every, Box::new(self.sid.offer())));
        let renewal = offer.as_ref().map(|(every, offer)| Renewal {
            every: *every,
            grace: options.renew_grace,
            candidate: offer.secret_hash(),
        });
        let request = LoadRequest {
            secret: self.sid.secret,
            transport: self.context.target.transport(),
            touch_every: options.touch_every,
            renewal,
            format: options.data_format(),
        };
        let outcome = self.store.load(self.key, &request).await;
        match outcome.map_err(|error| self.store_failed("load", error))? {
            LoadOutcome::Found(record) => {
                let offer = offer.map(|(_, sid)| sid).filter(|_| record.renewed);
                Ok(Some(Loaded::new(record, offer)))
            }
            LoadOutcome::Unknown | LoadOutcome::Reused { .. } => Ok(None),
            LoadOutcome::Replaced => Err(Error::of(ErrorKind::SessionReplaced)),
        }
    }

    pub(super) async fn end(&self) -> Result<(), Error> {
        let ended = self.store.destroy(self.key).await;
        ended
            .map(drop)
            .map_err(|error| self.store_failed("destroy", error))
    }
}
