//! A minimal model of sessions, which the library is compared with.

use std::collections::BTreeMap;

use super::app::Seen;
use super::{End, Op};

type Data = BTreeMap<String, u64>;

#[derive(Debug, Clone)]
struct Session {
    data: Data,
    subject: Option<String>,
    idle: u64,
    idle_until: u64,
    absolute: u64,
    absolute_until: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    now: u64,
    alive: Option<Session>,
    /// The client's sid, valid or not.
    sid: Option<String>,
    /// Sids that were valid before.
    old: Vec<String>,
    /// Whether the request sends a sid, for a new session or to replace the previous one.
    replaced: bool,
}

pub(crate) struct Expected {
    pub(crate) status: u16,
    pub(crate) saw: Option<Seen>,
    pub(crate) left: Option<Seen>,
    pub(crate) emits: bool,
}

impl Model {
    pub(crate) fn advance(&mut self, seconds: u16) {
        self.now += u64::from(seconds);
    }

    pub(crate) fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    pub(crate) fn old_sid(&self, nth: usize) -> Option<String> {
        self.old.get(nth.checked_rem(self.old.len())?).cloned()
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive
            .as_ref()
            .is_some_and(|session| session.is_alive(self.now))
    }

    /// Records the sid that the client received.
    pub(crate) fn learn(&mut self, sid: Option<String>) {
        if let Some(sid) = sid {
            self.old.extend(self.sid.replace(sid));
            assert!(self.replaced, "an unexpected sid was sent");
        }
        self.replaced = false;
    }

    /// Runs a request; returns the expected response.
    pub(crate) fn request(&mut self, creates: bool, ops: &[Op], end: End) -> Expected {
        let now = self.now;
        let known = self.alive.take().filter(|session| session.is_alive(now));
        let is_new = known.is_none();
        if is_new && !creates {
            return Expected {
                status: 401,
                saw: None,
                left: None,
                emits: false,
            };
        }
        let mut stored = known.unwrap_or_else(|| Session::new(now));
        stored.touch(now);
        let saw = stored.seen();
        let mut handler = Handler::new(stored, is_new);
        for op in ops {
            handler.run(op, now);
        }
        let left = handler.pending.seen();
        let failed = matches!(end, End::Fail | End::SaveAndFail | End::DestroyAndFail);
        let destroyed = matches!(end, End::Destroy | End::DestroyAndFail);
        let saved = matches!(end, End::Return | End::Save | End::SaveAndFail);
        // A stored sid is sent, even if the handler fails after saving.
        let emits = !destroyed && saved && (is_new || handler.rotated);
        self.replaced = emits;
        self.alive = match (destroyed, saved) {
            (true, _) => None,
            (false, true) => Some(handler.commit(now)),
            (false, false) => (!is_new).then_some(handler.committed),
        };
        Expected {
            status: if failed { 418 } else { 200 },
            saw: Some(saw),
            left: Some(left),
            emits,
        }
    }
}

impl Session {
    fn new(now: u64) -> Self {
        Self {
            data: Data::new(),
            subject: None,
            idle: 1_000,
            idle_until: now + 1_000,
            absolute: 5_000,
            absolute_until: now + 5_000,
        }
    }

    fn is_alive(&self, now: u64) -> bool {
        now < self.idle_until && now < self.absolute_until
    }

    /// Extends the idle deadline, once a tenth of the idle timeout has passed.
    fn touch(&mut self, now: u64) {
        let passed = now + self.idle - self.idle_until;
        if passed * 10 >= self.idle {
            self.idle_until = now + self.idle;
        }
    }

    fn seen(&self) -> Seen {
        (self.data.clone(), self.subject.clone())
    }
}

/// The state of a running handler.
#[allow(clippy::struct_excessive_bools, reason = "the flags are independent")]
struct Handler {
    /// What the store holds.
    committed: Session,
    /// What the handler sees.
    pending: Session,
    /// What `pending` is based on.
    base: Data,
    is_new: bool,
    /// Whether the commit writes.
    changed: bool,
    rotated: bool,
    /// Whether both deadlines restart.
    restarts_deadlines: bool,
    reset: bool,
}

impl Handler {
    fn new(stored: Session, is_new: bool) -> Self {
        Self {
            base: stored.data.clone(),
            pending: stored.clone(),
            committed: stored,
            is_new,
            changed: false,
            rotated: false,
            restarts_deadlines: false,
            reset: false,
        }
    }

    fn run(&mut self, op: &Op, now: u64) {
        match *op {
            Op::Insert(key, value) => {
                self.pending.data.insert(key.to_string(), value.into());
                self.changed = true;
            }
            Op::Remove(key) => {
                self.pending.data.remove(&key.to_string());
                self.changed = true;
            }
            Op::Clear => {
                self.pending.data.clear();
                self.changed = true;
            }
            Op::Touch => self.changed = true,
            Op::Update(key, value) => self.update(&key.to_string(), value.into(), now),
            Op::Rotate => self.rotate(),
            Op::Reset => {
                self.rotate();
                self.reset = !self.is_new;
                self.restarts_deadlines = true;
                (self.pending.idle, self.pending.absolute) = (1_000, 5_000);
                self.base.clear();
                self.pending.data.clear();
                self.pending.subject = None;
            }
            Op::Login(user) => {
                self.rotate();
                self.restarts_deadlines |= !self.is_new;
                self.pending.subject = Some(user.to_string());
            }
            Op::SetLifetime(idle, absolute) => {
                if idle <= absolute {
                    (self.pending.idle, self.pending.absolute) = (idle.into(), absolute.into());
                    self.restarts_deadlines = true;
                    self.changed = true;
                }
            }
            Op::Reload => {
                if !self.is_new {
                    self.committed.touch(now);
                }
                *self = Self::new(self.committed.clone(), self.is_new);
            }
        }
    }

    fn rotate(&mut self) {
        self.rotated = true;
        self.changed = true;
    }

    /// Changes the committed data immediately; pending changes are then reapplied, key by key.
    fn update(&mut self, key: &str, value: u64, now: u64) {
        if self.is_new || self.reset {
            self.pending.data.insert(key.to_owned(), value);
            self.changed = true;
            return;
        }
        self.committed.data.insert(key.to_owned(), value);
        self.committed.idle_until = now + self.committed.idle;
        let mut result = self.committed.data.clone();
        for key in self.base.keys().chain(self.pending.data.keys()) {
            let mine = self.pending.data.get(key);
            if self.base.get(key) != mine {
                match mine {
                    Some(value) => result.insert(key.clone(), *value),
                    None => result.remove(key),
                };
            }
        }
        self.base = self.committed.data.clone();
        self.pending.data = result;
    }

    /// The stored session after the commit.
    fn commit(mut self, now: u64) -> Session {
        let mut result = self.pending;
        (result.idle_until, result.absolute_until) =
            (self.committed.idle_until, self.committed.absolute_until);
        if self.changed {
            result.idle_until = now + result.idle;
        }
        if self.restarts_deadlines {
            result.absolute_until = now + result.absolute;
        }
        std::mem::swap(&mut self.committed, &mut result);
        self.committed
    }
}
