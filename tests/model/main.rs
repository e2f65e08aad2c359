//! The next request sees what a handler left: random requests, compared with a model, with every
//! operation that changes a session.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod app;
mod contention;
mod loader_model;
mod model;
mod regressions;
mod startup;
mod unsaved;

use app::Client;
use model::Model;
use proptest::collection::vec;
use proptest::prelude::*;

/// An operation of a handler.
#[derive(Debug, Clone)]
enum Op {
    Insert(u8, u8),
    Remove(u8),
    Clear,
    /// `data_mut` without a change.
    Touch,
    Update(u8, u8),
    Rotate,
    Reset,
    Login(u8),
    SetLifetime(u16, u16),
    Reload,
}

/// How a handler returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Return,
    Fail,
    Save,
    SaveAndFail,
    Destroy,
    DestroyAndFail,
}

/// A step of a client.
#[derive(Debug, Clone)]
enum Step {
    Create(Vec<Op>, End),
    Load(Vec<Op>, End),
    /// A load with an outdated sid.
    LoadOld(usize),
    /// Advances the clock by seconds.
    Advance(u16),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4u8, any::<u8>()).prop_map(|(key, value)| Op::Insert(key, value)),
        2 => (0..4u8).prop_map(Op::Remove),
        1 => Just(Op::Clear),
        1 => Just(Op::Touch),
        3 => (0..4u8, any::<u8>()).prop_map(|(key, value)| Op::Update(key, value)),
        1 => Just(Op::Rotate),
        1 => Just(Op::Reset),
        1 => (0..3u8).prop_map(Op::Login),
        1 => (1..4_000u16, 1..8_000u16).prop_map(|(idle, absolute)| Op::SetLifetime(idle, absolute)),
        1 => Just(Op::Reload),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Return),
        2 => Just(End::Fail),
        1 => Just(End::Save),
        1 => Just(End::SaveAndFail),
        1 => Just(End::Destroy),
        1 => Just(End::DestroyAndFail),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (vec(op(), 0..5), end()).prop_map(|(ops, end)| Step::Create(ops, end)),
        6 => (vec(op(), 0..5), end()).prop_map(|(ops, end)| Step::Load(ops, end)),
        1 => any::<usize>().prop_map(Step::LoadOld),
        2 => (0..2_500u16).prop_map(Step::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_next_request_sees_what_a_handler_left(steps in vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let client = Client::new();
            let mut model = Model::default();
            for step in &steps {
                run(&client, &mut model, step).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

async fn run(client: &Client, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    match step {
        Step::Advance(seconds) => {
            client.advance(*seconds);
            model.advance(*seconds);
        }
        Step::LoadOld(nth) => {
            let Some(sid) = model.old_sid(*nth) else {
                return Ok(());
            };
            let reply = client.send("load", Some(&sid), &[], End::Return).await;
            prop_assert_eq!(reply.status, 401, "an old sid is invalid: {:?}", reply);
            prop_assert_eq!(reply.sid, None);
        }
        Step::Create(ops, end) | Step::Load(ops, end) => {
            let creates = matches!(step, Step::Create(..));
            let sent = model.sid().map(str::to_owned);
            let route = if creates { "create" } else { "load" };
            let reply = client.send(route, sent.as_deref(), ops, *end).await;
            let expected = model.request(creates, ops, *end);
            prop_assert_eq!(reply.status, expected.status, "{:?}", reply);
            prop_assert_eq!(
                reply.saw.as_ref(),
                expected.saw.as_ref(),
                "what the handler saw first"
            );
            prop_assert_eq!(
                reply.left.as_ref(),
                expected.left.as_ref(),
                "what the handler saw last"
            );
            prop_assert_eq!(
                reply.sid.is_some(),
                expected.emits,
                "whether a sid is sent: {:?}",
                reply
            );
            model.learn(reply.sid);
        }
    }
    // An independent load, which is a request of the model too.
    let sent = model.sid().map(str::to_owned);
    let seen = client.send("load", sent.as_deref(), &[], End::Return).await;
    let expected = model.request(false, &[], End::Return);
    prop_assert_eq!(seen.status, expected.status, "{:?} after {:?}", seen, step);
    prop_assert_eq!(
        seen.saw,
        expected.saw,
        "what the next request sees after {:?}",
        step
    );
    model.learn(seen.sid);
    prop_assert_eq!(
        client.count().await,
        u64::from(model.is_alive()),
        "the number of stored sessions"
    );
    Ok(())
}
