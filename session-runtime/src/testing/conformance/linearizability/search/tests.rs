//! The search on a register and on small random histories, each of which is also searched without any shortcut.

use Step::{Read, Set, Write};

use super::*;
use crate::testing::conformance::random::Random;

/// A register of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Register(u8);

#[derive(Debug, Clone, Copy)]
enum Step {
    Read(u8),
    Write(u8),
    /// Compare and set, with the answer.
    Set(u8, u8, bool),
}

impl Model for Register {
    type Step = Step;

    fn after(&self, step: &Step) -> Vec<Self> {
        let (fits, after) = match *step {
            Read(value) => (value == self.0, self.0),
            Write(value) => (true, value),
            Set(from, to, done) if from == self.0 => (done, to),
            Set(_, _, done) => (!done, self.0),
        };
        Vec::from_iter(fits.then_some(Self(after)))
    }

    fn only_shows(step: &Step) -> bool {
        matches!(step, Read(_) | Set(_, _, false))
    }
}

fn op(step: Step, called: u64, returned: impl Into<Option<u64>>) -> Op<Step> {
    Op {
        step,
        called,
        returned: returned.into(),
        follows: None,
    }
}

fn is_linearizable(ops: &[Op<Step>]) -> bool {
    match search(Register(0), ops) {
        Verdict::Linearizable => true,
        Verdict::Violated(_) => false,
        Verdict::Undecided => panic!("no decision"),
    }
}

#[test]
fn known_histories() {
    let linearizable = [
        vec![],
        vec![op(Read(0), 0, 1)],
        // A read during a write shows the old or the new value.
        vec![op(Write(1), 0, 5), op(Read(0), 1, 2), op(Read(1), 3, 4)],
        // Two concurrent writes in either order.
        vec![op(Write(1), 0, 3), op(Write(2), 1, 2), op(Read(1), 4, 5)],
        // A write with an unknown outcome: at once, much later, or never.
        vec![op(Write(1), 0, None), op(Read(1), 1, 2)],
        vec![op(Write(1), 0, None), op(Read(0), 1, 2), op(Read(1), 3, 4)],
        vec![op(Write(1), 0, None), op(Read(0), 1, 2)],
        vec![op(Set(0, 1, true), 0, 3), op(Set(0, 2, false), 1, 2)],
    ];
    for history in linearizable {
        assert!(is_linearizable(&history), "{history:?}");
    }
    let violated = [
        vec![op(Read(1), 0, 1)],
        // An old value after a newer one was seen.
        vec![op(Write(1), 0, 5), op(Read(1), 1, 2), op(Read(0), 3, 4)],
        // A value from before a write that had returned.
        vec![op(Write(1), 0, 1), op(Read(0), 2, 3)],
        // Two that were both told that they had been the first.
        vec![op(Set(0, 1, true), 0, 3), op(Set(0, 2, true), 1, 2)],
        // A write that had not been called.
        vec![op(Read(1), 0, 1), op(Write(1), 2, None)],
        // An unknown outcome that is seen and then undone.
        vec![op(Write(1), 0, None), op(Read(1), 1, 2), op(Read(0), 3, 4)],
    ];
    for history in violated {
        assert!(!is_linearizable(&history), "{history:?}");
    }
}

#[test]
fn a_step_waits_for_the_one_that_it_follows() {
    let in_order = |follows| {
        let read = op(Read(1), 0, 5);
        let first = op(Read(0), 1, 6);
        let mut second = op(Write(1), 2, 7);
        second.follows = follows;
        is_linearizable(&[read, first, second])
    };
    assert!(in_order(None));
    assert!(in_order(Some(1)));
    assert!(!in_order(Some(0)), "the read cannot be before the write");
}

#[test]
fn a_stuck_search_says_how_far_it_came() {
    let history = [op(Write(1), 0, 1), op(Read(1), 2, 3), op(Read(2), 4, 5)];
    let stuck = Stuck {
        order: vec![0, 1],
        state: Register(1),
        next: vec![2],
    };
    assert_eq!(search(Register(0), &history), Verdict::Violated(stuck));
}

/// Tries every order.
fn every_order(state: Register, left: &[Op<Step>]) -> bool {
    if left.iter().all(|op| op.returned.is_none()) {
        return true;
    }
    let returns = left.iter().filter_map(|op| op.returned);
    let until = returns.min().unwrap_or(u64::MAX);
    (0..left.len())
        .filter(|at| left[*at].called < until)
        .any(|at| {
            let mut rest = left.to_vec();
            let op = rest.remove(at);
            let mut states = state.after(&op.step).into_iter();
            states.any(|state| every_order(state, &rest))
        })
}

/// A history of a register whose operations take effect at a random moment. A broken one gives some wrong answers.
fn random_history(random: &mut Random, operations: usize, is_broken: bool) -> Vec<Op<Step>> {
    let mut moments = Vec::new();
    for at in 0..operations {
        // Multiples of the number of moments and a rest of their own, so that no two are equal.
        let mut after = |moment: usize, rest| {
            let later = moment / (3 * operations) + random.below(30) + 1;
            later * 3 * operations + 3 * at + rest
        };
        let called = after(at * 30 * operations, 0);
        let takes_effect = after(called, 1);
        moments.push((takes_effect, called, after(takes_effect, 2)));
    }
    moments.sort_unstable();
    let mut history = Vec::new();
    let mut value = 0;
    for (_, called, returned) in moments {
        let lies = is_broken && random.below(4) == 0;
        let (one, other) = (random.below(3), random.below(3));
        let (one, other) = (u8::try_from(one).unwrap(), u8::try_from(other).unwrap());
        let step = match random.below(3) {
            0 => Read(if lies { one } else { value }),
            1 => {
                value = if lies { value } else { one };
                Write(one)
            }
            _ => {
                let done = (value == one) != lies;
                if done {
                    value = other;
                }
                Set(one, other, done)
            }
        };
        let is_known = random.below(8) > 0;
        history.push(op(step, called as u64, is_known.then_some(returned as u64)));
    }
    history.sort_by_key(|op| op.called);
    history
}

#[test]
fn random_histories_are_judged_as_by_trying_every_order() {
    let (mut linearizable, mut violated) = (0, 0);
    for seed in 0..4_000 {
        let mut random = Random::new(seed, 0);
        let history = random_history(&mut random, 7, true);
        let expected = every_order(Register(0), &history);
        assert_eq!(
            is_linearizable(&history),
            expected,
            "seed {seed}: {history:?}"
        );
        *(if expected {
            &mut linearizable
        } else {
            &mut violated
        }) += 1;
    }
    assert!(
        linearizable > 500 && violated > 500,
        "{linearizable} and {violated}"
    );
}

#[test]
fn long_histories_of_a_correct_register_are_linearizable() {
    for seed in 0..20 {
        let history = random_history(&mut Random::new(seed, 0), 400, false);
        assert!(is_linearizable(&history), "seed {seed}");
    }
}
