//! A session and the marks of two subjects, as clients see them if one operation runs after the other.

use super::search::Model;

/// A subject, by its place in [`SUBJECTS`](super::SUBJECTS).
pub(super) type Subject = usize;

/// What is known of a session and of the subjects.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct State {
    life: Life,
    marks: [Mark; 2],
    /// How many ends of all are half done, and so keep logins with a fence waiting.
    ending: [u8; 2],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum Life {
    #[default]
    NotYetInserted,
    Alive(Session),
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Session {
    shown: Shown,
    secret: u32,
    /// Whether it is in the index of its subject. Until then, a login in several steps is not complete.
    is_filed: bool,
}

/// What a load or a conflict shows of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shown {
    /// The data, which each change replaces with another number.
    pub(super) value: u64,
    pub(super) epoch: u64,
    pub(super) generation: u64,
    pub(super) subject: Option<Subject>,
}

/// The mark of a subject. Its number is unknown until it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Mark {
    /// The number that was read last.
    last: u64,
    /// Whether it was raised since.
    is_raised: bool,
}

/// A login.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewLogin {
    pub(super) subject: Subject,
    pub(super) fence: Option<u64>,
}

/// An operation on the session with its answer; `None` stands for an unknown answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Insert {
        secret: u32,
        value: u64,
        login: Option<NewLogin>,
        answer: Option<Outcome>,
    },
    Load {
        secret: u32,
        shows: Option<Shown>,
    },
    Commit {
        epoch: u64,
        generation: u64,
        change: Change,
        answer: Option<Outcome>,
    },
    Destroy {
        ends: Option<bool>,
    },
    /// An end by subject.
    End {
        subject: Subject,
        ends: Option<bool>,
    },
    /// An end of all sessions of the subject, before the mark is raised; `spares` says whether it spares this one.
    EndAll {
        subject: Subject,
        spares: bool,
        ends: Option<bool>,
    },
    /// The end of an end of all: it raises the mark.
    FinishEndAll {
        subject: Subject,
    },
    List {
        subject: Subject,
        shows: bool,
    },
    ReadMark {
        subject: Subject,
        number: u64,
    },
    /// Another session has logged in beyond the limit of sessions.
    MakeRoom {
        subject: Subject,
    },

    // What follows are steps of a store whose index is not changed together with the record.
    /// As `Insert` and `Commit`, before the login is in the index; also if it is refused in the end.
    BeginInsert {
        secret: u32,
        value: u64,
        answer: Option<Outcome>,
        login: NewLogin,
    },
    BeginLogin {
        epoch: u64,
        generation: u64,
        secret: u32,
        login: NewLogin,
        answer: Option<Outcome>,
    },
    /// The login that began this generation is in the index from now on.
    Confirm {
        generation: u64,
        login: NewLogin,
    },
    /// The login that began this generation was refused, because of its fence if one is named, and its session
    /// ends.
    Withdraw {
        generation: u64,
        login: Option<NewLogin>,
    },
    /// A login beyond the limit may have ended the session before it was refused, because of an end of all.
    MayMakeRoom {
        subject: Subject,
    },
    Raise {
        subject: Subject,
    },
    EndMember {
        subject: Subject,
        ends: Option<bool>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Data { base: u64, value: u64 },
    Rotate { secret: u32 },
    Login { secret: u32, login: NewLogin },
    Reset { secret: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Applied,
    Conflict(Shown),
    Ended,
    Revoked,
}

impl Model for State {
    type Step = Step;

    fn after(&self, step: &Step) -> Vec<Self> {
        match *step {
            Step::Insert {
                secret,
                value,
                login,
                answer,
            } => Self::answering(answer, || self.insert(secret, value, login)),
            Step::Load { secret, shows } => {
                let session = self.session().filter(|session| session.secret == secret);
                self.if_so(session.map(|session| session.shown) == shows)
            }
            Step::Commit {
                epoch,
                generation,
                change,
                answer,
            } => Self::answering(answer, || self.commit(epoch, generation, change)),
            Step::Destroy { ends } => self.end_if(self.session().is_some(), ends),
            Step::End { subject, ends } => self.end_if(self.is_of(subject), ends),
            Step::EndAll {
                subject,
                spares,
                ends,
            } => {
                let mut begun = self.clone();
                begun.ending[subject] += 1;
                begun.end_if(!spares && self.is_filed_under(subject), ends)
            }
            Step::FinishEndAll { subject } => {
                let mut raised = self.raised(subject);
                raised.ending[subject] -= 1;
                vec![raised]
            }
            Step::List { subject, shows } => self.if_so(self.is_filed_under(subject) == shows),
            Step::ReadMark { subject, number } => self.read_mark(subject, number),
            Step::MakeRoom { subject } => self.end_if(self.is_filed_under(subject), Some(true)),

            Step::BeginInsert {
                secret,
                value,
                answer,
                login,
            } => {
                let login = Some(NewLogin {
                    fence: None,
                    ..login
                });
                self.beginning(answer, self.insert(secret, value, login))
            }
            Step::BeginLogin {
                epoch,
                generation,
                secret,
                login,
                answer,
            } => {
                let fence = None;
                let login = NewLogin { fence, ..login };
                let change = Change::Login { secret, login };
                self.beginning(answer, self.commit(epoch, generation, change))
            }
            Step::Confirm { generation, login } => {
                if !self.admits(login) {
                    return Vec::new();
                }
                vec![self.with(|session| {
                    if session.shown.generation == generation {
                        session.is_filed = true;
                    }
                })]
            }
            Step::Withdraw { generation, login } => {
                if login.is_some_and(|login| self.admits(login)) {
                    return Vec::new();
                }
                let is_it =
                    |session: &Session| session.shown.generation == generation && !session.is_filed;
                self.end_if(self.session().is_some_and(is_it), None)
            }
            Step::MayMakeRoom { subject } if self.is_filed_under(subject) => {
                vec![self.clone(), self.ended()]
            }
            Step::MayMakeRoom { .. } => vec![self.clone()],
            Step::Raise { subject } => vec![self.raised(subject)],
            Step::EndMember { subject, ends } => self.end_member(subject, ends),
        }
    }

    fn only_shows(step: &Step) -> bool {
        match step {
            Step::Load { .. } | Step::List { .. } => true,
            Step::Insert { answer, .. } | Step::Commit { answer, .. } => {
                answer.is_some_and(|answer| answer != Outcome::Applied)
            }
            Step::Destroy { ends } | Step::End { ends, .. } | Step::EndMember { ends, .. } => {
                *ends == Some(false)
            }
            _ => false,
        }
    }
}

impl State {
    fn session(&self) -> Option<&Session> {
        match &self.life {
            Life::Alive(session) => Some(session),
            Life::NotYetInserted | Life::Ended => None,
        }
    }

    fn is_of(&self, subject: Subject) -> bool {
        self.session()
            .is_some_and(|session| session.shown.subject == Some(subject))
    }

    fn is_filed_under(&self, subject: Subject) -> bool {
        self.is_of(subject) && self.session().is_some_and(|session| session.is_filed)
    }

    /// Whether the fence of a login is the mark of its subject.
    fn admits(&self, login: NewLogin) -> bool {
        let mark = self.marks[login.subject];
        login.fence.is_none_or(|fence| {
            self.ending[login.subject] == 0 && !mark.is_raised && mark.last == fence
        })
    }

    fn if_so(&self, is_so: bool) -> Vec<Self> {
        if is_so {
            vec![self.clone()]
        } else {
            Vec::new()
        }
    }

    fn with(&self, change: impl FnOnce(&mut Session)) -> Self {
        let mut state = self.clone();
        if let Life::Alive(session) = &mut state.life {
            change(session);
        }
        state
    }

    fn ended(&self) -> Self {
        Self {
            life: Life::Ended,
            ..self.clone()
        }
    }

    /// Ends the session on a condition, of which the answer tells.
    fn end_if(&self, condition: bool, answer: Option<bool>) -> Vec<Self> {
        if answer.is_some_and(|answer| answer != condition) {
            return Vec::new();
        }
        vec![if condition {
            self.ended()
        } else {
            self.clone()
        }]
    }

    /// An end of all, as far as it concerns the session: an index elsewhere was asked before, and the record is now.
    fn end_member(&self, subject: Subject, ends: Option<bool>) -> Vec<Self> {
        match ends {
            Some(true) => self.end_if(self.is_of(subject), ends),
            Some(false) => self.if_so(!self.is_filed_under(subject)),
            None => self.end_if(self.is_filed_under(subject), None),
        }
    }

    fn raised(&self, subject: Subject) -> Self {
        let mut state = self.clone();
        state.marks[subject].is_raised = true;
        state
    }

    fn read_mark(&self, subject: Subject, number: u64) -> Vec<Self> {
        let mark = self.marks[subject];
        if !mark.is_raised {
            return self.if_so(number == mark.last);
        }
        if number <= mark.last {
            return Vec::new();
        }
        let mut state = self.clone();
        state.marks[subject] = Mark {
            last: number,
            is_raised: false,
        };
        vec![state]
    }

    /// The state after an operation, if it answers this.
    fn answering(answer: Option<Outcome>, run: impl FnOnce() -> (Outcome, Self)) -> Vec<Self> {
        let (given, state) = run();
        if answer.is_none_or(|answer| answer == given) {
            vec![state]
        } else {
            Vec::new()
        }
    }

    /// The states after the first step of a login.
    fn beginning(&self, answer: Option<Outcome>, (given, state): (Outcome, Self)) -> Vec<Self> {
        let unfiled = state.with(|session| session.is_filed = false);
        match answer {
            // Refused before the record was looked at, or after it was written.
            Some(Outcome::Revoked) if given == Outcome::Applied => vec![self.clone(), unfiled],
            Some(Outcome::Revoked) => vec![self.clone()],
            Some(answer) if answer != given => Vec::new(),
            _ if given == Outcome::Applied => vec![unfiled],
            _ => vec![self.clone()],
        }
    }

    fn insert(&self, secret: u32, value: u64, login: Option<NewLogin>) -> (Outcome, Self) {
        if login.is_some_and(|login| !self.admits(login)) {
            return (Outcome::Revoked, self.clone());
        }
        let shown = Shown {
            value,
            epoch: 0,
            generation: 0,
            subject: login.map(|login| login.subject),
        };
        let life = Life::Alive(Session {
            shown,
            secret,
            is_filed: true,
        });
        let state = self.clone();
        (Outcome::Applied, Self { life, ..state })
    }

    fn commit(&self, epoch: u64, generation: u64, change: Change) -> (Outcome, Self) {
        let Some(session) = self.session() else {
            return (Outcome::Ended, self.clone());
        };
        let shown = session.shown;
        if shown.generation != generation {
            return (Outcome::Ended, self.clone());
        }
        let is_conflict = match change {
            Change::Data { base, .. } => shown.value != base,
            _ => shown.epoch != epoch,
        };
        if is_conflict {
            return (Outcome::Conflict(shown), self.clone());
        }
        if let Change::Login { login, .. } = change
            && !self.admits(login)
        {
            return (Outcome::Revoked, self.clone());
        }
        let applied = self.with(|session| session.apply(change));
        (Outcome::Applied, applied)
    }
}

impl Session {
    fn apply(&mut self, change: Change) {
        let shown = &mut self.shown;
        match change {
            Change::Data { value, .. } => {
                shown.value = value;
                return;
            }
            Change::Rotate { secret } => self.secret = secret,
            Change::Login { secret, login } => {
                self.secret = secret;
                self.is_filed = true;
                shown.generation += 1;
                shown.subject = Some(login.subject);
            }
            Change::Reset { secret } => {
                self.secret = secret;
                shown.generation += 1;
                shown.subject = None;
            }
        }
        shown.epoch += 1;
    }
}
