//! Clients that use a store at random, at the same time.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::SUBJECTS;
use super::history::{Did, Event, History};
use super::model::{Change as Changed, NewLogin as Login, Outcome, Shown, Step, Subject};
use crate::data::DataFormat;
use crate::record::{
    Change, CommitId, DataChange, IdentityChange, Key, LoginChange, NewLogin, NewRecord,
    OnMaxSessions, Record, RevocationMark, SessionLimit, Snapshot,
};
use crate::sid::SecretHash;
use crate::store::{CommitOutcome, InsertOutcome, LoginRefusal, Store, StoreError};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{json, secret, untyped};
use crate::testing::conformance::random::Random;
use crate::untyped::Untyped;

/// How much the clients do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) clients: usize,
    /// The operations of each client.
    pub(super) operations: usize,
    /// The sessions that are in use at the same time. One that has ended is replaced by a new one.
    pub(super) sessions: usize,
    /// Whether the clients use the index of subjects.
    pub(super) with_subjects: bool,
}

/// Runs the clients, and returns what they did.
pub(super) async fn run<S: Store<Untyped>>(fixture: &Fixture<S>, plan: Plan) -> Vec<Event> {
    let shared = Arc::new(Shared {
        fixture: fixture.clone(),
        history: History::default(),
        places: (0..plan.sessions).map(|_| Mutex::default()).collect(),
        secrets: AtomicU32::default(),
        values: AtomicU64::default(),
        with_subjects: plan.with_subjects,
    });
    let start = Arc::new(Barrier::new(plan.clients));
    let mut tasks = JoinSet::new();
    for number in 0..plan.clients {
        let (shared, start) = (shared.clone(), start.clone());
        tasks.spawn(async move {
            let mut client = Client {
                shared: &shared,
                number,
                random: Random::new(plan.seed, number as u64),
                fences: [None; 2],
            };
            start.wait().await;
            for _ in 0..plan.operations {
                client.act().await;
            }
        });
    }
    tasks.join_all().await;
    Arc::into_inner(shared).map_or_else(Vec::new, |shared| shared.history.into_events())
}

/// What the clients share.
struct Shared<S> {
    fixture: Fixture<S>,
    history: History,
    places: Vec<Mutex<Option<Known>>>,
    secrets: AtomicU32,
    values: AtomicU64,
    with_subjects: bool,
}

/// What some client knows of a session. It may be out of date.
#[derive(Clone)]
struct Known {
    key: Key,
    base: Base,
    /// The last one is the newest.
    secrets: Vec<Secret>,
}

/// What a change is based on.
#[derive(Clone)]
struct Base {
    snapshot: Snapshot<Untyped>,
    epoch: u64,
    generation: u64,
}

#[derive(Clone, Copy)]
struct Secret {
    number: u32,
    hash: SecretHash,
}

struct Client<'a, S> {
    shared: &'a Shared<S>,
    number: usize,
    random: Random,
    /// The marks that it has read.
    fences: [Option<RevocationMark>; 2],
}

impl<S: Store<Untyped>> Client<'_, S> {
    async fn act(&mut self) {
        let place = self.random.below(self.shared.places.len());
        let Some(known) = self.place(place).clone() else {
            return self.open(place).await;
        };
        let subject = self.random.below(SUBJECTS.len());
        let with_subjects = self.shared.with_subjects;
        match self.random.below(if with_subjects { 100 } else { 60 }) {
            0..22 => self.load(place, &known).await,
            22..44 => self.change(place, &known).await,
            44..52 => self.rotate(place, &known).await,
            52..56 => self.reset(place, &known).await,
            56..60 => self.destroy(place, &known).await,
            60..74 => self.log_in(place, &known, subject).await,
            74..77 => self.end(place, &known, subject).await,
            77..81 => self.end_all(&known, subject).await,
            81..91 => self.list(subject).await,
            _ => self.read_mark(subject).await,
        }
    }

    fn place(&self, place: usize) -> MutexGuard<'_, Option<Known>> {
        let place = self.shared.places[place].lock();
        place.unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of the session in a place, if it still is there.
    fn learn(&self, place: usize, key: Key, learn: impl FnOnce(&mut Known)) {
        if let Some(known) = self.place(place).as_mut().filter(|known| known.key == key) {
            learn(known);
        }
    }

    /// Forgets a session that has ended.
    fn forget(&self, place: usize, key: Key) {
        let mut place = self.place(place);
        if place.as_ref().is_some_and(|known| known.key == key) {
            *place = None;
        }
    }

    fn call(&self) -> u64 {
        self.shared.history.tick()
    }

    /// Records what was done: its outcome is unknown, or known now.
    fn did(&self, called: u64, is_known: bool, did: Did) {
        self.shared.history.add(Event {
            client: self.number,
            called,
            returned: is_known.then(|| self.shared.history.tick()),
            did,
        });
    }

    fn secret(&self) -> Secret {
        Secret {
            number: self.shared.secrets.fetch_add(1, Ordering::Relaxed),
            hash: secret(),
        }
    }

    fn value(&self) -> u64 {
        self.shared.values.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A login as the store and as the model see it; some have a fence, and some a limit.
    fn login(&mut self, subject: Subject) -> (NewLogin, Login) {
        let fence = self.fences[subject].filter(|_| self.random.below(2) == 0);
        let max = NonZeroU32::MIN.saturating_add(1);
        let limit = (self.random.below(8) == 0).then_some(SessionLimit {
            max,
            when_reached: OnMaxSessions::EndOldest,
        });
        let new = NewLogin {
            fence,
            limit,
            ..NewLogin::new(SUBJECTS[subject])
        };
        let fence = fence.map(RevocationMark::number);
        (new, Login { subject, fence })
    }

    async fn open(&mut self, place: usize) {
        let (key, _) = self.shared.fixture.mint();
        let (secret, value) = (self.secret(), self.value());
        let is_login = self.shared.with_subjects && self.random.below(2) == 0;
        let subject = self.random.below(SUBJECTS.len());
        let login = is_login.then(|| self.login(subject));
        let fixture = &self.shared.fixture;
        let record = NewRecord {
            login: login.as_ref().map(|(new, _)| new.clone()),
            lifetime: fixture.lifetime(10_000.0, 10_000.0),
            ..fixture.new_record(secret.hash, &json!({ "v": value }))
        };
        let called = self.call();
        let inserted = fixture.try_insert(key, &record).await;
        let Ok(inserted) = known(inserted) else {
            return;
        };
        let answer = match &inserted {
            Some(InsertOutcome::Done { .. }) => Some(Outcome::Applied),
            Some(InsertOutcome::Refused(LoginRefusal::Revoked)) => Some(Outcome::Revoked),
            None => None,
            Some(other) => panic!("unexpected: {other:?}"),
        };
        let step = Step::Insert {
            secret: secret.number,
            value,
            login: login.map(|(_, login)| login),
            answer,
        };
        self.did(called, answer.is_some(), Did::One(key.id, step));
        let has_limit = (record.login.as_ref()).is_some_and(|login| login.limit.is_some());
        match answer {
            None if has_limit => self.did(called, false, Did::MakeRoom(subject, None)),
            Some(Outcome::Revoked) if has_limit => {
                self.did(called, true, Did::MakeNoRoom(subject));
            }
            _ => {}
        }
        if let Some(InsertOutcome::Done {
            snapshot, ended, ..
        }) = inserted
        {
            self.did(called, true, Did::MakeRoom(subject, Some(ended)));
            let base = Base {
                snapshot,
                epoch: 0,
                generation: 0,
            };
            let secrets = vec![secret];
            *self.place(place) = Some(Known { key, base, secrets });
        }
    }

    async fn load(&mut self, place: usize, known: &Known) {
        // Sometimes with an earlier secret.
        let back = self.random.below(8).saturating_sub(5);
        let at = known.secrets.len().saturating_sub(1 + back);
        let secret = known.secrets[at];
        let called = self.call();
        let record = self.shared.fixture.load(known.key, secret.hash).await;
        let shows = record.as_ref().map(shown);
        let secret = secret.number;
        let step = Step::Load { secret, shows };
        self.did(called, true, Did::One(known.key.id, step));
        match record {
            Some(record) => self.learn(place, known.key, |known| known.base = base(record)),
            // It may have ended, or somebody is about to tell its new secret.
            None if back == 0 && self.random.below(4) == 0 => self.forget(place, known.key),
            None => {}
        }
    }

    async fn change(&mut self, place: usize, known: &Known) {
        let value = self.value();
        let data = DataChange {
            base: Some(known.base.snapshot.clone()),
            data: untyped(&json!({ "v": value })),
            max_size: 1 << 20,
        };
        let base = value_of(&known.base.snapshot);
        self.commit(
            place,
            known,
            Some(data),
            None,
            Changed::Data { base, value },
        )
        .await;
    }

    async fn rotate(&mut self, place: usize, known: &Known) {
        let secret = self.secret();
        let identity = identity(secret, false, LoginChange::Keep);
        let secret = secret.number;
        self.commit(
            place,
            known,
            None,
            Some(identity),
            Changed::Rotate { secret },
        )
        .await;
    }

    async fn reset(&mut self, place: usize, known: &Known) {
        let secret = self.secret();
        let identity = identity(secret, true, LoginChange::Clear);
        let secret = secret.number;
        self.commit(
            place,
            known,
            None,
            Some(identity),
            Changed::Reset { secret },
        )
        .await;
    }

    async fn log_in(&mut self, place: usize, known: &Known, subject: Subject) {
        let secret = self.secret();
        let (new, login) = self.login(subject);
        let identity = identity(secret, true, LoginChange::Set(new));
        let secret = secret.number;
        let change = Changed::Login { secret, login };
        self.commit(place, known, None, Some(identity), change)
            .await;
    }

    async fn commit(
        &mut self,
        place: usize,
        known: &Known,
        data: Option<DataChange<Untyped>>,
        identity: Option<(Secret, IdentityChange)>,
        changed: Changed,
    ) {
        let (new_secret, identity) = identity.unzip();
        let Base {
            epoch, generation, ..
        } = known.base;
        let change = Change {
            commit_id: CommitId::random(),
            epoch,
            generation,
            data,
            identity,
            lifetime: None,
            label: None,
            format: DataFormat::FIRST,
        };
        let has_limit = change.identity.as_ref().is_some_and(
            |identity| matches!(&identity.login, LoginChange::Set(login) if login.limit.is_some()),
        );
        let called = self.call();
        let committed = self.shared.fixture.try_commit(known.key, &change).await;
        let Ok(committed) = self::known(committed) else {
            return;
        };
        let answer = committed.as_ref().map(|outcome| match outcome {
            CommitOutcome::Applied { .. } => Outcome::Applied,
            CommitOutcome::Conflict(record) => Outcome::Conflict(shown(record)),
            CommitOutcome::Ended => Outcome::Ended,
            CommitOutcome::Refused(LoginRefusal::Revoked) => Outcome::Revoked,
            CommitOutcome::Refused(refusal) => panic!("unexpected: {refusal:?}"),
        });
        let step = Step::Commit {
            epoch,
            generation,
            change: changed,
            answer,
        };
        self.did(called, answer.is_some(), Did::One(known.key.id, step));
        match committed {
            Some(CommitOutcome::Applied { snapshot, ended }) => {
                if let Changed::Login { login, .. } = changed {
                    self.did(called, true, Did::MakeRoom(login.subject, Some(ended)));
                }
                let is_new_generation =
                    matches!(changed, Changed::Login { .. } | Changed::Reset { .. });
                self.learn(place, known.key, |known| {
                    known.base.epoch = epoch + u64::from(new_secret.is_some());
                    known.base.generation = generation + u64::from(is_new_generation);
                    known.secrets.extend(new_secret);
                    if let Some(snapshot) = snapshot {
                        known.base.snapshot = snapshot;
                    }
                });
            }
            Some(CommitOutcome::Conflict(record)) => {
                self.learn(place, known.key, |known| known.base = base(*record));
            }
            Some(CommitOutcome::Ended) => {
                let is_outdated = (self.place(place).as_ref())
                    .is_some_and(|known| known.base.generation != generation);
                if !is_outdated {
                    self.forget(place, known.key);
                }
            }
            None => {
                if let Changed::Login { login, .. } = changed {
                    self.did(called, false, Did::MakeRoom(login.subject, None));
                }
            }
            Some(CommitOutcome::Refused(_)) => {
                if let Changed::Login { login, .. } = changed
                    && has_limit
                {
                    self.did(called, true, Did::MakeNoRoom(login.subject));
                }
            }
        }
    }

    async fn destroy(&mut self, place: usize, known: &Known) {
        let called = self.call();
        let ends = self.shared.fixture.try_destroy(known.key).await;
        let Ok(ends) = self::known(ends) else {
            return;
        };
        let step = Step::Destroy { ends };
        self.did(called, ends.is_some(), Did::One(known.key.id, step));
        // For a while the others still use it.
        if self.random.below(2) == 0 {
            self.forget(place, known.key);
        }
    }

    async fn end(&mut self, place: usize, known: &Known, subject: Subject) {
        let fixture = &self.shared.fixture;
        let key = fixture.subject(SUBJECTS[subject]);
        let called = self.call();
        let ends = fixture.index().end(key, known.key.id).await;
        let Ok(ends) = self::known(ends) else {
            return;
        };
        let step = Step::End { subject, ends };
        self.did(called, ends.is_some(), Did::One(known.key.id, step));
        if ends == Some(true) && self.random.below(2) == 0 {
            self.forget(place, known.key);
        }
    }

    async fn end_all(&mut self, known: &Known, subject: Subject) {
        let fixture = &self.shared.fixture;
        let key = fixture.subject(SUBJECTS[subject]);
        let spared = (self.random.below(3) == 0).then_some(known.key.id);
        let called = self.call();
        let ended = fixture.index().end_all(key, spared).await;
        let Ok(ended) = self::known(ended) else {
            return;
        };
        let is_known = ended.is_some();
        let did = Did::EndAll {
            subject,
            spared,
            ended,
        };
        self.did(called, is_known, did);
    }

    async fn list(&mut self, subject: Subject) {
        let fixture = &self.shared.fixture;
        let key = fixture.subject(SUBJECTS[subject]);
        let called = self.call();
        let page = fixture.index().list(key, None, 1_000).await;
        let page = page.expect("list failed");
        let ids: Vec<_> = page.sessions.iter().map(|session| session.id).collect();
        self.did(called, true, Did::List(subject, ids));
    }

    async fn read_mark(&mut self, subject: Subject) {
        let called = self.call();
        let mark = self.shared.fixture.mark(SUBJECTS[subject]).await;
        self.fences[subject] = Some(mark);
        self.did(called, true, Did::ReadMark(subject, mark.number()));
    }
}

fn identity(secret: Secret, new_generation: bool, login: LoginChange) -> (Secret, IdentityChange) {
    let change = IdentityChange {
        secret: secret.hash,
        new_generation,
        login,
    };
    (secret, change)
}

/// Nothing was written, and the store said so.
struct NothingWritten;

/// The outcome of a write; `None` if it is unknown.
fn known<T>(result: Result<T, StoreError>) -> Result<Option<T>, NothingWritten> {
    match result {
        Ok(outcome) => Ok(Some(outcome)),
        Err(StoreError::OutcomeUnknown(_)) => Ok(None),
        Err(StoreError::Unavailable(_)) => Err(NothingWritten),
        Err(error) => panic!("a write failed: {error:?}"),
    }
}

fn base(record: Record<Untyped>) -> Base {
    Base {
        epoch: record.epoch,
        generation: record.generation,
        snapshot: record.snapshot,
    }
}

fn shown(record: &Record<Untyped>) -> Shown {
    let subject = record.subject();
    Shown {
        value: value_of(&record.snapshot),
        epoch: record.epoch,
        generation: record.generation,
        subject: subject.and_then(|subject| SUBJECTS.iter().position(|known| *known == subject)),
    }
}

fn value_of(snapshot: &Snapshot<Untyped>) -> u64 {
    json(snapshot)["v"].as_u64().expect("a number")
}
