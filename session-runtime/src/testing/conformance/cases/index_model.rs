//! Random logins and ends, one after the other, compared with a model: the index holds all that lives, and nothing else.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use serde_json::json;

use crate::record::{
    Change, LoginChange, NewLogin, NewRecord, OnMaxSessions, Record, SessionLimit,
};
use crate::sid::{SecretHash, SessionId};
use crate::store::{CommitOutcome, InsertOutcome, LoginRefusal, Store};
use crate::testing::conformance::Fixture;
use crate::testing::conformance::fixture::{Opened, change_login, change_of, secret};
use crate::testing::conformance::random::Random;
use crate::untyped::Untyped;

const SUBJECTS: [&str; 3] = ["ada", "bob", "carl"];
/// How many sessions a subject may have, if a login has a limit.
const MOST: u32 = 3;
/// The deadlines in units, if the clock is fake.
const IDLE: u32 = 10;
const ABSOLUTE: u32 = 25;

/// After each of many random operations, the list and the number of each subject's sessions are those of a model, and
/// no login exceeds its limit.
pub async fn the_index_holds_all_that_lives<S: Store<Untyped>>(fixture: Fixture<S>) {
    let has_fake_clock = fixture.fake_clock().is_some();
    // On a server, a few: each takes a hundred round trips.
    for seed in 1..=if has_fake_clock { 60 } else { 3 } {
        let mut run = Run {
            fixture: fixture.within(&seed.to_string()),
            random: Random::new(seed, 0),
            sessions: Vec::new(),
            now: 0,
            what: String::new(),
        };
        for step in 0..if has_fake_clock { 80 } else { 40 } {
            run.act().await;
            run.what = format!("seed {seed}, step {step}: {}", run.what);
            run.check().await;
        }
        run.check_loads().await;
    }
}

/// A session of the model. Times are in units.
struct Session {
    opened: Opened,
    subject: Option<usize>,
    touched: u32,
    absolute_until: u32,
    is_ended: bool,
}

struct Run<S> {
    fixture: Fixture<S>,
    random: Random,
    sessions: Vec<Session>,
    now: u32,
    what: String,
}

impl Session {
    fn is_alive(&self, now: u32) -> bool {
        !self.is_ended && now < self.touched + IDLE && now < self.absolute_until
    }
}

impl<S: Store<Untyped>> Run<S> {
    async fn act(&mut self) {
        let (any, subject) = (
            self.random.below(self.sessions.len()),
            self.random.below(SUBJECTS.len()),
        );
        let passes = self.fixture.fake_clock().is_some();
        let kind = self.random.below(if passes { 16 } else { 14 });
        self.what = format!(
            "operation {kind} of session {any} and {}",
            SUBJECTS[subject]
        );
        match kind {
            0..4 => return self.open(Some(subject)).await,
            4 => return self.open(None).await,
            14.. => return self.pass().await,
            _ if self.sessions.is_empty() => return self.open(Some(subject)).await,
            _ => {}
        }
        match kind {
            5..8 => self.log_in(any, subject).await,
            8 => self.log_out(any).await,
            9 => self.destroy(any).await,
            10 => self.end(any, subject).await,
            11 => self.end_all(any, subject).await,
            12 => self.load(any).await,
            _ => self.touch(any).await,
        }
    }

    /// The sessions of a subject that live.
    fn living(&self, subject: usize) -> BTreeSet<SessionId> {
        let living = (self.sessions.iter())
            .filter(|session| session.subject == Some(subject) && session.is_alive(self.now));
        living.map(|session| session.opened.key.id).collect()
    }

    fn forget(&mut self, ids: &[SessionId]) {
        for session in &mut self.sessions {
            session.is_ended |= ids.contains(&session.opened.key.id);
        }
    }

    fn login(&mut self, subject: usize) -> NewLogin {
        let when_reached = match self.random.below(3) {
            0 => Some(OnMaxSessions::EndOldest),
            1 => Some(OnMaxSessions::Refuse),
            _ => None,
        };
        let max = NonZeroU32::MIN.saturating_add(MOST - 1);
        let limit = when_reached.map(|when_reached| SessionLimit { max, when_reached });
        NewLogin {
            limit,
            ..NewLogin::new(SUBJECTS[subject])
        }
    }

    /// The sessions that a login ends, or `None` if it is refused. Of logins in the same millisecond, any
    /// may be the earliest, so this is about their times.
    async fn beyond_the_limit(&self, login: &NewLogin, own: Option<SessionId>) -> Option<Beyond> {
        let subject = self.fixture.subject(&login.subject);
        let page = self.fixture.index().list(subject, None, 1_000).await;
        let mut others = page.expect("list failed").sessions;
        others.retain(|session| Some(session.id) != own);
        let excess = login.limit.map_or(0, |limit| {
            (others.len() + 1).saturating_sub(limit.max.get() as usize)
        });
        let refuses = login
            .limit
            .is_some_and(|limit| limit.when_reached == OnMaxSessions::Refuse);
        if refuses && excess > 0 {
            return None;
        }
        let times = others
            .iter()
            .map(|session| (session.id, session.logged_in_at));
        Some(Beyond {
            times: times.rev().collect(),
            excess,
        })
    }

    async fn open(&mut self, subject: Option<usize>) {
        let login = subject.map(|subject| self.login(subject));
        let beyond = match &login {
            Some(login) => self.beyond_the_limit(login, None).await,
            None => Some(Beyond::default()),
        };
        let fixture = &self.fixture;
        let (key, new) = fixture.mint();
        let record = NewRecord {
            login,
            lifetime: self.lifetime(),
            ..fixture.new_record(new, &json!({}))
        };
        match fixture.insert(key, &record).await {
            InsertOutcome::Done {
                snapshot, ended, ..
            } => {
                let beyond = beyond.unwrap_or_else(|| panic!("{}: not refused", self.what));
                beyond.check(&ended, &self.what);
                self.forget(&ended);
                let opened = Opened {
                    key,
                    secret: new,
                    snapshot,
                };
                self.sessions.push(Session {
                    opened,
                    subject,
                    touched: self.now,
                    absolute_until: self.now + ABSOLUTE,
                    is_ended: false,
                });
            }
            InsertOutcome::Refused(LoginRefusal::TooManySessions) if beyond.is_none() => {}
            other => panic!("{}: {other:?}", self.what),
        }
    }

    /// Deadlines that pass only on a fake clock.
    fn lifetime(&self) -> crate::record::Lifetime {
        if self.fixture.fake_clock().is_some() {
            (self.fixture).lifetime(f64::from(IDLE), f64::from(ABSOLUTE))
        } else {
            self.fixture.lifetime(10_000.0, 10_000.0)
        }
    }

    /// The record of a session as a load shows it; the load touches it.
    async fn load(&mut self, at: usize) {
        self.record(at).await;
    }

    async fn record(&mut self, at: usize) -> Option<Record<Untyped>> {
        let session = &mut self.sessions[at];
        let record = (self.fixture)
            .load(session.opened.key, session.opened.secret)
            .await;
        assert_eq!(
            record.is_some(),
            session.is_alive(self.now),
            "{}",
            self.what
        );
        if record.is_some() && self.now > session.touched {
            // A tenth of the idle time is a unit.
            session.touched = self.now;
        }
        record
    }

    /// Commits what a load was the base of.
    async fn commit(
        &mut self,
        at: usize,
        change: impl FnOnce(&Record<Untyped>, SecretHash) -> Change<Untyped>,
    ) -> Option<(SecretHash, CommitOutcome<Untyped>)> {
        let record = self.record(at).await?;
        let new = secret();
        let change = change(&record, new);
        Some((
            new,
            self.fixture
                .commit(self.sessions[at].opened.key, &change)
                .await,
        ))
    }

    async fn log_in(&mut self, at: usize, subject: usize) {
        let login = self.login(subject);
        let own = self.sessions[at].opened.key.id;
        let beyond = self.beyond_the_limit(&login, Some(own)).await;
        let set = LoginChange::Set(login);
        let committed = self.commit(at, |record, new| change_login(record, new, true, set));
        match committed.await {
            None => {}
            Some((new, CommitOutcome::Applied { ended, .. })) => {
                let beyond = beyond.unwrap_or_else(|| panic!("{}: not refused", self.what));
                beyond.check(&ended, &self.what);
                self.forget(&ended);
                self.begin_generation(at, new, Some(subject));
            }
            Some((_, CommitOutcome::Refused(LoginRefusal::TooManySessions)))
                if beyond.is_none() => {}
            Some((_, other)) => panic!("{}: {other:?}", self.what),
        }
    }

    fn begin_generation(&mut self, at: usize, secret: SecretHash, subject: Option<usize>) {
        let session = &mut self.sessions[at];
        session.opened.secret = secret;
        session.subject = subject;
        session.touched = self.now;
        session.absolute_until = self.now + ABSOLUTE;
    }

    async fn log_out(&mut self, at: usize) {
        let clear = LoginChange::Clear;
        let committed = self.commit(at, |record, new| change_login(record, new, true, clear));
        match committed.await {
            None => {}
            Some((new, CommitOutcome::Applied { .. })) => self.begin_generation(at, new, None),
            Some((_, other)) => panic!("{}: {other:?}", self.what),
        }
    }

    /// A change without any part.
    async fn touch(&mut self, at: usize) {
        match self.commit(at, |record, _| change_of(record)).await {
            None => {}
            Some((_, CommitOutcome::Applied { .. })) => self.sessions[at].touched = self.now,
            Some((_, other)) => panic!("{}: {other:?}", self.what),
        }
    }

    async fn destroy(&mut self, at: usize) {
        let session = &mut self.sessions[at];
        let destroyed = self.fixture.destroy(session.opened.key).await;
        assert_eq!(destroyed, session.is_alive(self.now), "{}", self.what);
        session.is_ended = true;
    }

    async fn end(&mut self, at: usize, subject: usize) {
        let id = self.sessions[at].opened.key.id;
        let key = self.fixture.subject(SUBJECTS[subject]);
        let ended = self.fixture.index().end(key, id).await;
        let expected = self.living(subject).contains(&id);
        assert_eq!(ended.expect("end failed"), expected, "{}", self.what);
        if expected {
            self.forget(&[id]);
        }
    }

    async fn end_all(&mut self, at: usize, subject: usize) {
        let spared = self.sessions[at].opened.key.id;
        let spared = (self.random.below(2) == 0).then_some(spared);
        let ended = self.fixture.end_all(SUBJECTS[subject], spared).await;
        let mut expected = self.living(subject);
        expected.retain(|id| Some(*id) != spared);
        let as_set: BTreeSet<_> = ended.iter().copied().collect();
        assert_eq!(
            (as_set.len(), &as_set),
            (ended.len(), &expected),
            "{}",
            self.what
        );
        self.forget(&ended);
    }

    async fn pass(&mut self) {
        let units = u32::try_from(self.random.below(6)).unwrap_or_default();
        self.fixture.pass(f64::from(units)).await;
        self.now += units;
    }

    async fn check(&self) {
        for (at, subject) in SUBJECTS.iter().enumerate() {
            let ids = BTreeSet::from_iter(self.fixture.ids_of(subject).await);
            assert_eq!(
                ids,
                self.living(at),
                "the list of {subject} after {}",
                self.what
            );
        }
    }

    /// What the model takes for alive can be loaded, and nothing else.
    async fn check_loads(&mut self) {
        "the last operation".clone_into(&mut self.what);
        for at in 0..self.sessions.len() {
            self.record(at).await;
        }
    }
}

/// What a login may end.
#[derive(Default)]
struct Beyond {
    /// The other sessions of the subject, the earliest login first.
    times: Vec<(SessionId, std::time::SystemTime)>,
    excess: usize,
}

impl Beyond {
    fn check(&self, ended: &[SessionId], what: &str) {
        let time = |id| {
            self.times
                .iter()
                .find(|(other, _)| other == id)
                .map(|(_, at)| *at)
        };
        let mut times: Vec<_> = ended.iter().map(time).collect();
        times.sort_unstable();
        let earliest = self.times.iter().take(self.excess);
        let expected: Vec<_> = earliest.map(|(_, at)| Some(*at)).collect();
        assert_eq!(times, expected, "what a login ended: {what}");
        let distinct = BTreeSet::from_iter(ended);
        assert_eq!(distinct.len(), ended.len(), "each once: {what}");
    }
}
