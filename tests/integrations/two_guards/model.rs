//! A model of the expected outcome of two guards in one request, one step at a time.

use serde::{Deserialize, Serialize};

/// The data of the session: a field for each guard, and one that both write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fields {
    pub(super) seed: String,
    pub(super) outer: String,
    pub(super) inner: String,
    pub(super) both: String,
}

impl Fields {
    /// The data of a seeded session.
    pub(super) fn seeded() -> Self {
        Self {
            seed: "seed".to_owned(),
            ..Self::default()
        }
    }

    /// The write of one guard.
    pub(super) fn write(&mut self, place: Place) {
        place.name().clone_into(match place {
            Place::Outer => &mut self.outer,
            Place::Inner => &mut self.inner,
        });
        place.name().clone_into(&mut self.both);
    }

    /// Applies the fields that differ from `base` to `stored`.
    fn apply(&self, base: &Self, stored: &mut Self) {
        let fields = [
            (&self.seed, &base.seed, &mut stored.seed),
            (&self.outer, &base.outer, &mut stored.outer),
            (&self.inner, &base.inner, &mut stored.inner),
            (&self.both, &base.both, &mut stored.both),
        ];
        for (mine, base, stored) in fields {
            if mine != base {
                stored.clone_from(mine);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Outer,
    Inner,
}

impl Place {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Outer => "outer",
            Self::Inner => "inner",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    Create,
    Load,
    Optional,
    View,
}

impl Mode {
    pub(super) const ALL: [Self; 4] = [Self::Create, Self::Load, Self::Optional, Self::View];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Load => "load",
            Self::Optional => "optional",
            Self::View => "view",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Op {
    Nothing,
    Write,
    Update,
    Login,
    Rotate,
    Reset,
    Destroy,
    Save,
}

impl Op {
    /// The operations of a guard with this mode.
    pub(super) fn of(mode: Mode) -> &'static [Self] {
        const ALL: &[Op] = &[
            Op::Nothing,
            Op::Write,
            Op::Update,
            Op::Login,
            Op::Rotate,
            Op::Reset,
            Op::Destroy,
            Op::Save,
        ];
        if mode == Mode::View { &ALL[..1] } else { ALL }
    }
}

/// The sid that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Nothing,
    Alive,
    Dead,
}

/// One request: the operations of each guard, and which handler fails afterwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script {
    pub(super) sent: Sent,
    pub(super) outer: (Mode, Op),
    /// Whether the outer guard acts after the inner one, not before.
    pub(super) acts_after: bool,
    pub(super) inner: (Mode, Op),
    pub(super) fails: Option<Place>,
    /// Whether the outer handler returns before the inner one starts, as a hoop can.
    pub(super) sequential: bool,
    /// Whether failing outer middleware sends a new response, without the headers of the inner one.
    pub(super) errors_are_new: bool,
}

/// The session that a handler sees when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) is_new: bool,
    pub(super) subject: Option<String>,
    pub(super) data: Fields,
}

/// The outcome of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) inner_saw: Option<Seen>,
    /// Whether the response carries a sid.
    pub(super) emits: bool,
    /// The session that the client has afterwards, under the new sid or the one that it sent.
    pub(super) session: Option<(Fields, Option<String>)>,
    /// Whether the sid that the client sent still opens it.
    pub(super) sent_sid_works: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Absent,
    /// Created by a guard that is still open, not stored yet.
    New,
    Stored,
    Ended,
}

/// The session of the request.
struct Model {
    phase: Phase,
    created: bool,
    stored: Fields,
    subject: Option<String>,
    /// Whether the sid that was sent no longer opens the session.
    new_sid: bool,
    resets: u32,
}

/// One guard.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent change"
)]
struct Guard {
    place: Place,
    mode: Mode,
    base: Fields,
    mine: Fields,
    login: bool,
    rotate: bool,
    reset: bool,
    resets_seen: u32,
    /// Whether `save` or `destroy` took the session.
    consumed: bool,
    /// `update` has changed the shared data.
    updated: bool,
}

type Refused = u16;

pub(super) fn outcome(script: &Script) -> Outcome {
    let mut model = Model {
        phase: if script.sent == Sent::Alive {
            Phase::Stored
        } else {
            Phase::Absent
        },
        created: false,
        stored: Fields::seeded(),
        subject: None,
        new_sid: false,
        resets: 0,
    };
    let mut inner_saw = None;
    let status = model
        .run(script, &mut inner_saw)
        .unwrap_or_else(|status| status);
    let alive = model.phase == Phase::Stored;
    // If middleware without a guard replaces the response, the sid is lost.
    let lost = script.outer.0 == Mode::View && script.fails == Some(Place::Outer);
    let lost = lost && script.errors_are_new;
    if alive && model.new_sid && lost {
        return Outcome {
            status,
            inner_saw: None,
            emits: false,
            session: None,
            sent_sid_works: false,
        };
    }
    Outcome {
        status,
        // The body of an error does not contain it.
        inner_saw: inner_saw.filter(|_| status == 200),
        emits: alive && model.new_sid,
        session: alive.then(|| (model.stored.clone(), model.subject.clone())),
        sent_sid_works: alive && !model.new_sid,
    }
}

impl Model {
    /// The status of the response; `Err` if the outer guard refuses the request.
    fn run(&mut self, script: &Script, inner_saw: &mut Option<Seen>) -> Result<u16, Refused> {
        let mut outer = self.open(Place::Outer, script.outer.0, None)?;
        let mut failed = script.fails == Some(Place::Outer);
        let mut status = None;
        if !script.acts_after {
            status = self.act(outer.as_mut(), script.outer.1).err();
        }
        if script.sequential {
            self.commit(outer.as_mut(), false);
            outer = None;
        }
        let inner = self.inner(script, outer.as_ref(), inner_saw);
        if script.acts_after {
            status = self.act(outer.as_mut(), script.outer.1).err();
        }
        failed |= status.is_some();
        self.commit(outer.as_mut(), failed);
        let outer_status = status.or((script.fails == Some(Place::Outer)).then_some(500));
        Ok(outer_status.unwrap_or(inner))
    }

    fn inner(
        &mut self,
        script: &Script,
        outer: Option<&Guard>,
        inner_saw: &mut Option<Seen>,
    ) -> u16 {
        let mut guard = match self.open(Place::Inner, script.inner.0, outer) {
            Ok(guard) => guard,
            Err(status) => return status,
        };
        *inner_saw = self.seen(script.inner.0, guard.as_ref(), outer);
        let acted = self.act(guard.as_mut(), script.inner.1);
        let fails = script.fails == Some(Place::Inner);
        self.commit(guard.as_mut(), fails || acted.is_err());
        match acted {
            Err(status) => status,
            Ok(()) if fails => 500,
            Ok(()) => 200,
        }
    }

    fn open(
        &mut self,
        place: Place,
        mode: Mode,
        outer: Option<&Guard>,
    ) -> Result<Option<Guard>, Refused> {
        // A new session exists as long as a guard that creates it is open.
        let is_there = match self.phase {
            Phase::Stored => true,
            Phase::New => outer.is_some_and(|outer| outer.mode == Mode::Create),
            Phase::Absent | Phase::Ended => false,
        };
        if !is_there {
            match mode {
                Mode::Create => {
                    self.phase = Phase::New;
                    self.created = true;
                    self.new_sid = true;
                    self.stored = Fields::default();
                    self.subject = None;
                }
                Mode::Load => return Err(401),
                Mode::Optional | Mode::View => return Ok(None),
            }
        }
        if mode == Mode::View {
            return Ok(None);
        }
        // That of an unsaved session is shared, too.
        let base = self.stored.clone();
        Ok(Some(Guard {
            place,
            mode,
            mine: base.clone(),
            base,
            login: false,
            rotate: false,
            reset: false,
            resets_seen: self.resets,
            consumed: false,
            updated: false,
        }))
    }

    fn seen(&self, mode: Mode, guard: Option<&Guard>, outer: Option<&Guard>) -> Option<Seen> {
        if mode == Mode::View {
            return (self.phase == Phase::Stored).then(|| Seen {
                is_new: false,
                subject: self.subject.clone(),
                data: self.stored.clone(),
            });
        }
        let guard = guard?;
        // The inner guard sees a login of the outer one before it is stored.
        let subject = match outer {
            Some(outer) if outer.reset && outer.login => Some("outer".to_owned()),
            Some(outer) if outer.reset => None,
            Some(outer) if outer.login => Some("outer".to_owned()),
            _ => self.subject.clone(),
        };
        Some(Seen {
            is_new: self.created,
            subject,
            data: guard.base.clone(),
        })
    }

    fn act(&mut self, guard: Option<&mut Guard>, op: Op) -> Result<(), u16> {
        let Some(guard) = guard else { return Ok(()) };
        match op {
            Op::Nothing => {}
            Op::Write => guard.mine.write(guard.place),
            Op::Update => match self.phase {
                Phase::Stored | Phase::New => {
                    self.stored.write(guard.place);
                    guard.base = self.stored.clone();
                    guard.mine = self.stored.clone();
                    guard.resets_seen = self.resets;
                    guard.updated = true;
                }
                Phase::Absent | Phase::Ended => return Err(409),
            },
            Op::Login => guard.login = true,
            Op::Rotate => guard.rotate = true,
            Op::Reset => {
                guard.reset = true;
                guard.mine = Fields::default();
            }
            Op::Destroy => {
                self.phase = Phase::Ended;
                guard.consumed = true;
            }
            Op::Save => {
                guard.mine.write(guard.place);
                if self.phase == Phase::Ended {
                    return Err(409);
                }
                self.write(guard);
                guard.consumed = true;
            }
        }
        Ok(())
    }

    fn commit(&mut self, guard: Option<&mut Guard>, failed: bool) {
        if let Some(guard) = guard
            && !failed
            && !guard.consumed
        {
            self.write(guard);
        }
    }

    fn write(&mut self, guard: &mut Guard) {
        let touched =
            guard.updated || guard.mine != guard.base || guard.login || guard.rotate || guard.reset;
        match self.phase {
            Phase::Absent | Phase::Ended => return,
            Phase::New if guard.mode != Mode::Create && !touched && !guard.consumed => return,
            Phase::New => self.phase = Phase::Stored,
            Phase::Stored => {}
        }
        if guard.reset {
            self.stored = guard.mine.clone();
            self.subject = None;
            self.resets += 1;
        } else if guard.resets_seen == self.resets {
            let mine = guard.mine.clone();
            mine.apply(&guard.base, &mut self.stored);
        }
        if guard.login {
            self.subject = Some(guard.place.name().to_owned());
        }
        self.new_sid |= guard.login || guard.rotate || guard.reset;
    }
}
