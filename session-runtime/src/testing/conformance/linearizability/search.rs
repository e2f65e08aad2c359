//! The search for an order in which operations could have run one after the other (Wing & Gong 1993, with the
//! memory of Lowe 2017).
//!
//! The search is exponential in the worst case. Two things keep it short: a combination of completed operations
//! and state is looked at once; and a step that never changes the state, such as a load that shows what is there, is
//! taken as soon as it is possible, since that excludes no order of the others.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::hash::Hash;

/// The combinations that are looked at before the search gives up.
const MOST: usize = 2_000_000;

/// A state, and what operations do to it when they run one after the other.
pub(super) trait Model: Clone + Eq + Hash {
    /// An operation together with its answer.
    type Step;

    /// The states that may follow the step. None if the operation would answer something else in this state.
    fn after(&self, step: &Self::Step) -> Vec<Self>;

    /// Whether the step changes no state in which it is possible.
    fn only_shows(step: &Self::Step) -> bool;
}

/// An operation that took effect at one moment between its call and its return.
#[derive(Debug, Clone)]
pub(super) struct Op<S> {
    pub(super) step: S,
    pub(super) called: u64,
    /// `None` if its outcome is unknown: it may take effect at any time after the call, or never.
    pub(super) returned: Option<u64>,
    /// The operation that takes effect before, of those that consist of several.
    pub(super) follows: Option<usize>,
}

/// The result of a search.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<M> {
    /// There is such an order.
    Linearizable,
    /// There is none.
    Violated(Stuck<M>),
    /// The search was given up.
    Undecided,
}

/// How far a search came before no operation could be the next one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck<M> {
    /// The operations that could be ordered.
    pub(super) order: Vec<usize>,
    /// The state after them.
    pub(super) state: M,
    /// Those of which one would have to be the next.
    pub(super) next: Vec<usize>,
}

/// Operations that have been ordered.
type Done = Box<[u64]>;

/// A point of the search: what has been ordered, and the state after it.
struct Point<M> {
    done: Done,
    state: M,
    order: Vec<usize>,
}

/// Searches for an order. The operations are sorted by the time of their call.
pub(super) fn search<M: Model>(initial: M, ops: &[Op<M::Step>]) -> Verdict<M> {
    let first = Point {
        done: vec![0; ops.len().div_ceil(64)].into(),
        state: initial,
        order: Vec::new(),
    };
    let (mut points, mut seen) = (vec![first], HashSet::new());
    let mut deepest: Option<Stuck<M>> = None;
    while let Some(mut point) = points.pop() {
        let (next, mut branches) = point.advance(ops);
        if !next.iter().any(|at| ops[*at].returned.is_some()) {
            return Verdict::Linearizable;
        }
        // What returned first most often took effect first, so it is tried first.
        branches.sort_by_key(|(at, _)| Reverse(ops[*at].returned.unwrap_or(u64::MAX)));
        for (at, state) in branches {
            let mut done = point.done.clone();
            done[at / 64] |= 1 << (at % 64);
            if seen.insert((done.clone(), state.clone())) {
                let mut order = point.order.clone();
                order.push(at);
                points.push(Point { done, state, order });
            }
        }
        if (deepest.as_ref()).is_none_or(|stuck| stuck.order.len() < point.order.len()) {
            let Point { state, order, .. } = point;
            deepest = Some(Stuck { order, state, next });
        }
        if seen.len() > MOST {
            return Verdict::Undecided;
        }
    }
    deepest.map_or(Verdict::Linearizable, Verdict::Violated)
}

impl<M: Model> Point<M> {
    fn is_done(&self, at: usize) -> bool {
        self.done[at / 64] >> (at % 64) & 1 == 1
    }

    /// Takes the steps that only show the state. Returns the operations of which one is the next, and the
    /// states to which those lead that are possible.
    fn advance(&mut self, ops: &[Op<M::Step>]) -> (Vec<usize>, Vec<(usize, M)>) {
        let mut first = 0;
        loop {
            while first < ops.len() && self.is_done(first) {
                first += 1;
            }
            let next = self.next(ops, first);
            let mut branches = Vec::new();
            let mut is_idle = true;
            for at in &next {
                if ops[*at].follows.is_some_and(|before| !self.is_done(before)) {
                    continue;
                }
                let states = self.state.after(&ops[*at].step);
                if M::only_shows(&ops[*at].step) && !states.is_empty() {
                    self.done[at / 64] |= 1 << (at % 64);
                    self.order.push(*at);
                    is_idle = false;
                } else {
                    branches.extend(states.into_iter().map(|state| (*at, state)));
                }
            }
            if is_idle {
                return (next, branches);
            }
        }
    }

    /// The operations that were called before each one that is left has returned.
    fn next(&self, ops: &[Op<M::Step>], first: usize) -> Vec<usize> {
        let (mut until, mut next) = (u64::MAX, Vec::new());
        for (at, op) in ops.iter().enumerate().skip(first) {
            if op.called > until {
                break;
            }
            if !self.is_done(at) {
                until = until.min(op.returned.unwrap_or(u64::MAX));
                next.push(at);
            }
        }
        next.retain(|at| ops[*at].called < until);
        next
    }
}

#[cfg(test)]
mod tests;
