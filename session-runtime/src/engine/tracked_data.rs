//! The data in a handler, and what it was before: whether there is something to write is derived
//! from both.

use std::sync::Arc;

/// The data as a handler sees and changes it. It was changed if there is something that it was
/// before: that is all there is to "dirty", so it cannot be forgotten.
pub(crate) struct TrackedData<D> {
    data: Arc<D>,
    before: Before<D>,
}

/// What the data was before the handler changed it.
enum Before<D> {
    /// The same as now.
    Unchanged,
    /// The same as now, which is the `Default` that a session begins with.
    Fresh,
    /// That `Default`. It is not kept, since it can be had again.
    Default,
    /// What was loaded.
    Loaded(Arc<D>),
}

impl<D> TrackedData<D> {
    /// Data that nobody has changed yet.
    pub(crate) fn new(data: Arc<D>) -> Self {
        let before = Before::Unchanged;
        Self { data, before }
    }

    /// Data that was something else before.
    pub(crate) fn changed(before: Arc<D>, data: Arc<D>) -> Self {
        let before = Before::Loaded(before);
        Self { data, before }
    }

    /// As it is now.
    pub(crate) fn data(&self) -> &D {
        &self.data
    }

    /// The same, shared.
    pub(crate) fn shared(&self) -> Arc<D> {
        self.data.clone()
    }

    pub(crate) fn is_changed(&self) -> bool {
        matches!(self.before, Before::Default | Before::Loaded(_))
    }

    /// Whether it began as the `Default`, not as what was loaded.
    pub(crate) fn started_fresh(&self) -> bool {
        matches!(self.before, Before::Fresh | Before::Default)
    }

    /// The data as it is now, and the changes with it: what is left here has none.
    pub(crate) fn take(&mut self) -> Self {
        let data = self.data.clone();
        let before = std::mem::replace(&mut self.before, Before::Unchanged);
        Self { data, before }
    }

    pub(crate) fn into_data(self) -> Arc<D> {
        self.data
    }
}

impl<D: Clone + Default> TrackedData<D> {
    /// The data that a session begins with.
    pub(crate) fn fresh() -> Self {
        Self {
            data: Arc::default(),
            before: Before::Fresh,
        }
    }

    /// To be changed.
    pub(crate) fn data_mut(&mut self) -> &mut D {
        match self.before {
            Before::Fresh => self.before = Before::Default,
            Before::Unchanged => {
                let copy = Arc::new(D::clone(&self.data));
                self.before = Before::Loaded(std::mem::replace(&mut self.data, copy));
            }
            Before::Default | Before::Loaded(_) => {}
        }
        Arc::make_mut(&mut self.data)
    }

    /// As it was before the handler changed it.
    pub(crate) fn base(&self) -> Arc<D> {
        match &self.before {
            Before::Unchanged | Before::Fresh => self.data.clone(),
            Before::Default => Arc::default(),
            Before::Loaded(stored) => stored.clone(),
        }
    }
}
