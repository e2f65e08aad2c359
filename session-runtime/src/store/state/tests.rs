use std::time::Duration;

use super::*;
use crate::data::DataFormat;
use crate::record::{CommitId, IdentityChange, Lifetime, LoginChange, NewLogin, Renewal};
use crate::sid::SecretHash;

const IDLE: u64 = 1_000;
const ABSOLUTE: u64 = 5_000;

fn hash(byte: u8) -> SecretHash {
    SecretHash::from_bytes([byte; 32])
}

/// A record that was created at 0 with secret 1.
fn state() -> RecordState {
    let new = NewRecord {
        secret: hash(1),
        transport: Transport::Cookie,
        data: Arc::new(()),
        login: Some(NewLogin::new("ada")),
        label: None,
        lifetime: Lifetime::from_millis(IDLE, ABSOLUTE),
        commit_id: CommitId::from_bytes([0; 16]),
        first_use_timeout: None,
        max_size: 0,
        format: DataFormat::FIRST,
    };
    RecordState::new(&new, 0)
}

fn request(secret: u8) -> LoadRequest {
    LoadRequest {
        secret: hash(secret),
        transport: Transport::Cookie,
        touch_every: None,
        renewal: None,
        format: DataFormat::FIRST,
    }
}

/// A load that renews every 300 ms with a grace period of 100 ms.
fn renewing(secret: u8, candidate: u8) -> LoadRequest {
    LoadRequest {
        renewal: Some(Renewal {
            every: Duration::from_millis(300),
            grace: Duration::from_millis(100),
            candidate: hash(candidate),
        }),
        ..request(secret)
    }
}

fn change(id: u8) -> Change<()> {
    Change {
        commit_id: CommitId::from_bytes([id; 16]),
        epoch: 0,
        generation: 0,
        data: None,
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

fn identity(id: u8, new_generation: bool) -> Change<()> {
    Change {
        identity: Some(IdentityChange {
            secret: hash(9),
            new_generation,
            login: LoginChange::Keep,
        }),
        ..change(id)
    }
}

fn load(state: &mut RecordState, request: &LoadRequest, now: u64) -> Option<SecretStep> {
    let effects = state.on_load(request, now)?;
    state.apply_load(effects, request, now);
    Some(effects.secret)
}

#[test]
fn a_record_ends_at_its_deadline() {
    let state = state();
    assert!(state.is_alive(IDLE - 1));
    assert!(!state.is_alive(IDLE));
    assert_eq!(state.on_load(&request(1), IDLE), None);
    assert_eq!(state.check(&change(1), IDLE, || true), Verdict::Ended);
}

#[test]
fn starting_at_counts_all_times_from_that_time() {
    let state = state().starting_at(70);
    assert_eq!(state.secret.since, 70);
    assert_eq!(
        state.expiry,
        Expiry::new(Lifetime::from_millis(IDLE, ABSOLUTE), 70)
    );
}

/// A record that was created at 0 with secret 1, and ends at 400 unless a load finds it.
fn unused() -> RecordState {
    let mut state = state();
    state.expiry = state
        .expiry
        .with_first_use(Some(Duration::from_millis(400)));
    state.awaits_first_use = true;
    state
}

#[test]
fn a_load_ends_the_wait_for_the_first_use() {
    let mut state = unused();
    assert_eq!(state.deadline(), 400);
    assert_eq!(load(&mut state, &request(2), 10), None);
    assert_eq!(state.deadline(), 400);
    let effects = state.on_load(&request(1), 10).expect("found");
    assert!(effects.touch, "although a touch is not due");
    state.apply_load(effects, &request(1), 10);
    assert_eq!(state.deadline(), IDLE + 10);
    assert_eq!(
        state.on_load(&request(1), 20).map(LoadEffects::is_empty),
        Some(true)
    );
    assert_eq!(unused().on_load(&request(1), 400), None);
}

#[test]
fn no_change_extends_an_unused_record() {
    for new_generation in [false, true] {
        let mut state = unused();
        state.apply(&identity(1, new_generation), true, 300);
        assert_eq!((state.deadline(), state.awaits_first_use), (400, true));
    }
    let mut state = unused();
    let lifetime = |idle| Change {
        lifetime: Some(Lifetime::from_millis(idle, ABSOLUTE)),
        ..change(1)
    };
    state.apply(&lifetime(2 * IDLE), false, 300);
    assert_eq!(state.deadline(), 400);
    state.apply(&lifetime(50), false, 300);
    assert_eq!(state.deadline(), 350);
    assert_eq!(unused().starting_at(70).deadline(), 470);
    let short = Duration::from_millis(IDLE + 1);
    let expiry = self::state().expiry.with_first_use(Some(short));
    assert_eq!(expiry.idle_until, IDLE);
}

#[test]
fn a_wrong_secret_or_transport_finds_nothing() {
    let state = state();
    assert_eq!(state.on_load(&request(2), 1), None);
    let elsewhere = LoadRequest {
        transport: Transport::Other,
        ..request(1)
    };
    assert_eq!(state.on_load(&elsewhere, 1), None);
}

#[test]
fn a_touch_is_due_after_a_tenth_of_the_idle_time_or_the_requested_interval() {
    let state = state();
    let is_due = |touch_every: Option<u64>, now| {
        let request = LoadRequest {
            touch_every: touch_every.map(Duration::from_millis),
            ..request(1)
        };
        state.on_load(&request, now).map(|effects| effects.touch)
    };
    assert_eq!(is_due(None, 99), Some(false));
    assert_eq!(is_due(None, 100), Some(true));
    assert_eq!(is_due(Some(500), 499), Some(false));
    assert_eq!(is_due(Some(500), 500), Some(true));
    assert_eq!(
        is_due(Some(0), 0),
        Some(false),
        "at most once a millisecond"
    );
    assert_eq!(
        is_due(Some(IDLE), 100),
        Some(true),
        "not shorter than the idle time"
    );
}

#[test]
fn a_touch_moves_the_idle_deadline_only() {
    let mut state = state();
    load(&mut state, &request(1), 600).expect("found");
    assert_eq!(state.expiry.idle_until, 600 + IDLE);
    assert_eq!(state.expiry.absolute_until, ABSOLUTE);
}

#[test]
fn an_offer_is_made_when_the_secret_and_the_last_offer_are_old_enough() {
    let mut state = state();
    assert_eq!(
        load(&mut state, &renewing(1, 2), 299),
        Some(SecretStep::Keep)
    );
    assert_eq!(
        load(&mut state, &renewing(1, 2), 300),
        Some(SecretStep::Offer)
    );
    assert_eq!(
        load(&mut state, &renewing(1, 3), 599),
        Some(SecretStep::Keep)
    );
    assert_eq!(
        load(&mut state, &renewing(1, 3), 600),
        Some(SecretStep::Offer)
    );
    assert_eq!(load(&mut state, &request(2), 601), None, "replaced");
    assert_eq!(
        load(&mut state, &request(3), 601),
        Some(SecretStep::Promote)
    );
}

#[test]
fn a_promotion_keeps_the_previous_secret_for_the_grace_period() {
    let mut state = state();
    load(&mut state, &renewing(1, 2), 300).expect("found");
    assert_eq!(
        load(&mut state, &request(2), 400),
        Some(SecretStep::Promote)
    );
    assert_eq!(state.secret, CurrentSecret::new(hash(2), 400));
    assert_eq!(state.others.offered, None);
    assert_eq!(
        load(&mut state, &renewing(1, 3), 499),
        Some(SecretStep::Keep)
    );
    assert_eq!(load(&mut state, &request(1), 500), None);
}

#[test]
fn the_grace_of_the_promoting_load_wins() {
    let mut state = state();
    load(&mut state, &renewing(1, 2), 300).expect("found");
    let mut promoting = renewing(2, 3);
    if let Some(renewal) = &mut promoting.renewal {
        renewal.grace = Duration::from_millis(7);
    }
    load(&mut state, &promoting, 400).expect("found");
    let previous = state.others.previous.expect("a previous secret");
    assert_eq!(previous.valid_until, 407);
}

#[test]
fn a_change_is_checked_in_the_documented_order() {
    let mut state = state();
    state.apply(&identity(1, true), false, 10);
    let outdated = Change {
        generation: 0,
        ..identity(2, false)
    };
    assert_eq!(
        state.check(&outdated, 20, || panic!("must not be called")),
        Verdict::Ended
    );
    let repeated = Change {
        generation: 0,
        ..identity(1, true)
    };
    assert_eq!(
        state.check(&repeated, 20, || panic!("must not be called")),
        Verdict::AlreadyApplied
    );
    let late = Change {
        generation: 1,
        ..identity(2, false)
    };
    assert_eq!(
        state.check(&late, 20, || panic!("must not be called")),
        Verdict::Conflict
    );
    let current = Change {
        generation: 1,
        ..change(2)
    };
    assert_eq!(state.check(&current, 20, || false), Verdict::Conflict);
    assert_eq!(
        state.check(&current, 20, || true),
        Verdict::Apply,
        "the epoch only matters to an identity change"
    );
}

#[test]
fn an_identity_change_invalidates_every_other_secret() {
    let mut state = state();
    load(&mut state, &renewing(1, 2), 300).expect("found");
    load(&mut state, &renewing(2, 3), 400).expect("found");
    load(&mut state, &renewing(2, 3), 700).expect("found");
    state.apply(&identity(1, false), false, 701);
    assert_eq!(state.secret, CurrentSecret::new(hash(9), 701));
    assert_eq!(state.others, OtherSecrets::default());
    assert_eq!((state.stamp.epoch, state.stamp.generation), (1, 0));
    assert_eq!(state.login.expect("logged in").subject.as_ref(), "ada");
    assert_eq!(state.expiry.absolute_until, ABSOLUTE);
    assert_eq!(state.expiry.idle_until, 701 + IDLE);
}

#[test]
fn a_new_generation_or_lifetime_counts_both_deadlines_from_now() {
    let mut state = state();
    state.apply(&identity(1, true), true, 700);
    assert_eq!((state.stamp.epoch, state.stamp.generation), (1, 1));
    assert_eq!(state.version, 2);
    assert_eq!(state.expiry.idle_until, 700 + IDLE);
    assert_eq!(state.expiry.absolute_until, 700 + ABSOLUTE);

    let longer = Change {
        lifetime: Some(Lifetime::from_millis(20, 30)),
        ..change(2)
    };
    state.apply(&longer, false, 800);
    assert_eq!(state.version, 2);
    assert_eq!(state.expiry.created_at, 0);
    assert_eq!(
        (state.expiry.idle_until, state.expiry.absolute_until),
        (820, 830)
    );
}

#[test]
fn no_deadline_overflows() {
    let mut expiry = Expiry::new(Lifetime::from_millis(u64::MAX, u64::MAX), 5);
    expiry.touch(7);
    assert_eq!(expiry.deadline(), u64::MAX);
    assert!(expiry.is_alive(u64::MAX - 1));
}
