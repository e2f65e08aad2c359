//! When to look at which session.

use std::collections::VecDeque;

use super::deferred_drop::Batch;
use super::handle::Handle;
use super::queue::{Freed, Queue};

/// A bucket covers at most this part of the time from now until then.
const PRECISION: u64 = 1_024;

/// A wheel of deadlines. Each session stands in the bucket of the moment at which it is next worth
/// a look: its deadline as it was when it was filed there. The session knows its bucket; an
/// entry in any other bucket is outdated.
///
/// Moving a deadline to a later time and ending a session change nothing here. A sweep compares the
/// entry with the session when its bucket is due.
#[derive(Default)]
pub(super) struct Wheel {
    /// In the order of the times at which they are due.
    buckets: VecDeque<Bucket>,
    len: usize,
    check: Check,
}

pub(super) struct Bucket {
    /// In milliseconds of the store's clock.
    due: u64,
    handles: Queue,
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
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn file(&mut self, bucket: u64, handle: Handle) {
        self.len += 1;
        // Most sessions are filed in the last bucket.
        if let Some(last) = self.buckets.back_mut().filter(|last| last.due == bucket) {
            return last.handles.push(handle);
        }
        let at = self.first_from(bucket);
        if self.buckets.get(at).is_none_or(|found| found.due != bucket) {
            let handles = Queue::default();
            let due = bucket;
            self.buckets.insert(at, Bucket { due, handles });
        }
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.handles.push(handle);
        }
    }

    /// The index of the first bucket that is due at this time or later.
    fn first_from(&self, due: u64) -> usize {
        self.buckets.partition_point(|bucket| bucket.due < due)
    }

    /// Whether a bucket is due.
    #[inline]
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.buckets.front().is_some_and(|first| first.due <= now)
    }

    /// Takes a handle out of a bucket that is due; returns it and the bucket.
    pub(super) fn take_due(&mut self, now: u64, freed: &mut Batch<Freed>) -> Option<(u64, Handle)> {
        self.is_due(now).then(|| self.take(0, freed))?
    }

    /// Takes the next handle that a check of all buckets reaches out of its bucket; returns it and
    /// the bucket. One check follows the other. If the handle is filed again in this bucket, this
    /// check does not reach it again.
    pub(super) fn take_unchecked(&mut self, freed: &mut Batch<Freed>) -> Option<(u64, Handle)> {
        let mut at = self.first_from(self.check.bucket);
        let mut bucket = self.buckets.get(at);
        if self.check.left == 0 || bucket.is_none_or(|found| found.due != self.check.bucket) {
            at = self.first_from(self.check.bucket.saturating_add(1));
            if at == self.buckets.len() {
                at = 0;
            }
            bucket = self.buckets.get(at);
            let (bucket, left) = (bucket?.due, bucket?.handles.len());
            self.check = Check { bucket, left };
        }
        self.check.left -= 1;
        self.take(at, freed)
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.buckets.capacity()
    }

    /// All places.
    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<(u64, Handle)> {
        let of = |bucket: &Bucket| {
            let handles = bucket.handles.handles();
            handles
                .map(|handle| (bucket.due, handle))
                .collect::<Vec<_>>()
        };
        self.buckets.iter().flat_map(of).collect()
    }

    fn take(&mut self, at: usize, freed: &mut Batch<Freed>) -> Option<(u64, Handle)> {
        let bucket = self.buckets.get_mut(at)?;
        let (due, handle) = (bucket.due, bucket.handles.pop(freed)?);
        self.len -= 1;
        if bucket.handles.len() == 0 {
            self.buckets.remove(at);
            if self.buckets.is_empty() {
                let list = std::mem::take(&mut self.buckets);
                freed.push(Freed::Buckets { _list: list });
            }
        }
        Some((due, handle))
    }
}
