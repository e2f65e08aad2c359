//! When to look at which session.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;

use super::handle::Handle;
use super::queue::{Freed, Queue};

/// A bucket covers at most this part of the time from now until then.
const PRECISION: u64 = 1_024;

/// A wheel of deadlines. Each session stands in the bucket of the moment at which it is next worth
/// a look: its deadline as it was when it was filed there. The session knows its bucket; a place in
/// any other bucket is void.
///
/// Moving a deadline to a later time and ending a session change nothing here. Whoever looks at the
/// session in its bucket finds out.
#[derive(Default)]
pub(super) struct Wheel {
    /// By the time at which a bucket is due; times are milliseconds of the store's clock.
    buckets: BTreeMap<u64, Queue>,
    len: usize,
    check: Check,
}

/// The progress of a check of all buckets.
#[derive(Default)]
struct Check {
    bucket: u64,
    /// The number of handles in this bucket that are not checked yet.
    left: usize,
}

/// The bucket for a look at `time`. It is due no later than that, so that nothing is seen too
/// late, and earlier by at most a part of the time from now until then.
#[inline]
pub(super) fn bucket_of(time: u64, now: u64) -> u64 {
    let width = (time.saturating_sub(now) / PRECISION)
        .checked_ilog2()
        .unwrap_or(0);
    (time >> width) << width
}

impl Wheel {
    /// The number of handles.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn file(&mut self, bucket: u64, handle: Handle) {
        self.buckets.entry(bucket).or_default().push(handle);
        self.len += 1;
    }

    /// Whether a bucket is due.
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        (self.buckets.first_key_value()).is_some_and(|(bucket, _)| *bucket <= now)
    }

    /// Takes a handle out of a bucket that is due; returns it and the bucket.
    pub(super) fn take_due(&mut self, now: u64, freed: &mut Freed) -> Option<(u64, Handle)> {
        let (&bucket, _) = self.buckets.first_key_value()?;
        (bucket <= now).then(|| self.take(bucket, freed))?
    }

    /// Takes the next handle that a check of all buckets reaches out of its bucket; returns it and
    /// the bucket. One check follows the other. If the handle is filed again in this bucket, this
    /// check does not reach it again.
    pub(super) fn take_unchecked(&mut self, freed: &mut Freed) -> Option<(u64, Handle)> {
        if self.check.left == 0 || !self.buckets.contains_key(&self.check.bucket) {
            let later = (Bound::Excluded(self.check.bucket), Bound::Unbounded);
            let next = self.buckets.range(later).next();
            let (&bucket, queue) = next.or_else(|| self.buckets.first_key_value())?;
            let left = queue.len();
            self.check = Check { bucket, left };
        }
        self.check.left -= 1;
        self.take(self.check.bucket, freed)
    }

    /// All places.
    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<(u64, Handle)> {
        let buckets = self.buckets.iter();
        (buckets.flat_map(|(bucket, queue)| queue.handles().map(move |handle| (*bucket, handle))))
            .collect()
    }

    fn take(&mut self, bucket: u64, freed: &mut Freed) -> Option<(u64, Handle)> {
        let Entry::Occupied(mut place) = self.buckets.entry(bucket) else {
            return None;
        };
        let handle = place.get_mut().pop(freed)?;
        self.len -= 1;
        if place.get().len() == 0 {
            freed.queue(place.remove());
        }
        Some((bucket, handle))
    }
}
