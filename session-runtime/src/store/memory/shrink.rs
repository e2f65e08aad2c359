//! When and how a shard releases memory.

/// Lists with at most this many places are not worth shrinking.
pub(super) const SMALL: usize = 64;

/// Moves the elements of a list to a new one with room for `room` elements.
pub(super) fn moved_to<T>(list: &mut Vec<T>, room: usize) -> Vec<T> {
    let mut moved = Vec::with_capacity(room.max(list.len()));
    moved.append(list);
    moved
}

/// Whether less than an eighth of a large list is used.
pub(super) fn is_wasteful(room: usize, used: usize) -> bool {
    room > 4 * SMALL && used < room / 8
}
