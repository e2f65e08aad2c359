//! Nothing is expected.

/// Every type can be returned.
pub trait Returned<M> {}

impl<T> Returned<()> for T {}

/// Every type can be an error.
pub trait Failure<M> {}

impl<T> Failure<()> for T {}

/// No type is known.
pub trait KnownType {
    /// Never called.
    fn kind(&self) {}
}

/// No type is known to be like one.
pub trait LikeHead {
    /// Never called.
    fn kind(&self) {}
}

/// No type is known to be like one.
pub trait LikeBody {
    /// Never called.
    fn kind(&self) {}
}

/// No argument is known to consume the body.
pub trait ConsumesBody {
    /// Never called.
    fn order(&self) {}
}

/// No argument is known to precede middleware's.
pub trait BeforeNext {
    /// Never called.
    fn order(&self) {}
}
