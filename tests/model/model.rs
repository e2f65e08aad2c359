//! What sessions are, in as few words as possible: the model that the library is held against.

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
    /// The sid that the client holds, good or not.
    sid: Option<String>,
    /// Sids that opened a session once, and do no longer.
    old: Vec<String>,
    /// The next sid that is sent belongs to a new session, or replaces the one before.
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

    /// The client takes the sid that it was sent.
    pub(crate) fn learn(&mut self, sid: Option<String>) {
        if let Some(sid) = sid {
            self.old.extend(self.sid.replace(sid));
            assert!(self.replaced, "a sid that nobody expects");
        }
        self.replaced = false;
    }

    /// What a request answers, and what it leaves.
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
        // A sid that is stored is sent, even if the handler failed after it had saved.
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

    /// The idle deadline slides once a tenth of the idle time has passed.
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

/// A handler at work.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Handler {
    /// What the store holds.
    committed: Session,
    /// What the handler sees.
    pending: Session,
    /// What `pending` is based on.
    base: Data,
    is_new: bool,
    /// Whether anything is to be written.
    changed: bool,
    rotated: bool,
    /// Both deadlines are to begin anew.
    begins_anew: bool,
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
            begins_anew: false,
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
                self.begins_anew = true;
                (self.pending.idle, self.pending.absolute) = (1_000, 5_000);
                self.base.clear();
                self.pending.data.clear();
                self.pending.subject = None;
            }
            Op::Login(user) => {
                self.rotate();
                self.begins_anew |= !self.is_new;
                self.pending.subject = Some(user.to_string());
            }
            Op::SetLifetime(idle, absolute) => {
                if idle <= absolute {
                    (self.pending.idle, self.pending.absolute) = (idle.into(), absolute.into());
                    self.begins_anew = true;
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

    /// On what is committed, at once; what is pending is laid over it, key by key.
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

    /// What the store holds in the end.
    fn commit(mut self, now: u64) -> Session {
        let mut result = self.pending;
        (result.idle_until, result.absolute_until) =
            (self.committed.idle_until, self.committed.absolute_until);
        if self.changed {
            result.idle_until = now + result.idle;
        }
        if self.begins_anew {
            result.absolute_until = now + result.absolute;
        }
        std::mem::swap(&mut self.committed, &mut result);
        self.committed
    }
}
