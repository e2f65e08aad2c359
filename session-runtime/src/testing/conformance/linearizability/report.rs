//! A violation in as few lines as possible.

use std::fmt::Write as _;

use super::history::Own;
use super::model::{State, Step};
use super::search::{Model as _, Op, Stuck, Verdict, search};

/// The operations before the violation that are shown.
const SHOWN: usize = 12;

/// Describes a history that is not linearizable.
pub(super) fn describe(part: &[Own]) -> String {
    let part = shortened(part);
    let Verdict::Violated(stuck) = search(State::default(), &ops(&part)) else {
        return "the history is not linearizable".to_owned();
    };
    let mut text =
        "the history is not linearizable. In the order in which they can be explained:\n"
            .to_owned();
    let Stuck { order, state, next } = stuck;
    let hidden = order.len().saturating_sub(SHOWN);
    if hidden > 0 {
        let _ = writeln!(text, "  … {hidden} operations");
    }
    for at in &order[hidden..] {
        line(&mut text, &part[*at]);
    }
    let _ = writeln!(
        text,
        "then the state is {state:?}\nand none of these can be the next:"
    );
    for at in next {
        line(&mut text, &part[at]);
    }
    text
}

fn line(text: &mut String, own: &Own) {
    let Op {
        step,
        called,
        returned,
        ..
    } = &own.op;
    let until = returned.map_or_else(|| "?".to_owned(), |at| at.to_string());
    let _ = writeln!(
        text,
        "  client {:2}, {called} to {until}: {step:?}",
        own.client
    );
}

fn ops(part: &[Own]) -> Vec<Op<Step>> {
    part.iter().map(|own| own.op.clone()).collect()
}

fn is_violated(part: &[Own]) -> bool {
    matches!(search(State::default(), &ops(part)), Verdict::Violated(_))
}

/// A part of the history that is not linearizable either: it ends as early as possible, and without what is not needed.
///
/// What changes the session stays, even if it could go: without it, what others saw could be wrong.
fn shortened(part: &[Own]) -> Vec<Own> {
    let mut ends: Vec<_> = part.iter().filter_map(|own| own.op.returned).collect();
    ends.sort_unstable();
    let end = ends.partition_point(|end| !is_violated(&until(part, *end)));
    let mut short = until(part, ends.get(end).copied().unwrap_or(u64::MAX));
    let mut at = short.len();
    while at > 0 {
        at -= 1;
        let Op { step, returned, .. } = &short[at].op;
        let is_needless = State::only_shows(step) || returned.is_none();
        if is_needless && !short.iter().any(|own| own.op.follows == Some(at)) {
            let less = without(&short, at);
            if is_violated(&less) {
                short = less;
            }
        }
    }
    short
}

/// What was called up to a moment. What had not returned then may have taken effect or not.
fn until(part: &[Own], end: u64) -> Vec<Own> {
    let mut part: Vec<_> = (part.iter().filter(|own| own.op.called <= end))
        .cloned()
        .collect();
    for own in &mut part {
        own.op.returned = own.op.returned.filter(|returned| *returned <= end);
    }
    part
}

fn without(part: &[Own], at: usize) -> Vec<Own> {
    let mut part = part.to_vec();
    part.remove(at);
    for own in &mut part {
        own.op.follows = own
            .op
            .follows
            .map(|before| before - usize::from(before > at));
    }
    part
}
