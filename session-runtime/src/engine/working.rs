//! The data in a handler, and what it was before: what there is to be written is derived from both.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::record::Snapshot;

/// What the store calls the data that a session is based on. The session has the data itself.
#[derive(Clone)]
pub(crate) struct Stamp {
    version: u64,
    revisions: Option<Arc<BTreeMap<String, u64>>>,
}

impl Stamp {
    pub(crate) fn of<D>(snapshot: Snapshot<D>) -> (Self, Arc<D>) {
        let Snapshot {
            data,
            version,
            revisions,
        } = snapshot;
        (Self { version, revisions }, data)
    }

    /// What a change is based on.
    pub(crate) fn on<D>(&self, data: Arc<D>) -> Snapshot<D> {
        Snapshot {
            data,
            version: self.version,
            revisions: self.revisions.clone(),
        }
    }
}

/// The data as a handler sees and changes it. It was changed if there is something that it was
/// before: that is all there is to "dirty", so it cannot be forgotten.
pub(crate) struct Working<D> {
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
    /// This, which is stored.
    Stored(Arc<D>),
}

impl<D> Working<D> {
    /// Data that nobody has changed yet.
    pub(crate) fn new(data: Arc<D>) -> Self {
        let before = Before::Unchanged;
        Self { data, before }
    }

    /// Data that is stored as `stored`.
    pub(crate) fn changed(stored: Arc<D>, data: Arc<D>) -> Self {
        let before = Before::Stored(stored);
        Self { data, before }
    }

    /// As it is now.
    pub(crate) fn data(&self) -> &D {
        &self.data
    }

    pub(crate) fn is_changed(&self) -> bool {
        matches!(self.before, Before::Default | Before::Stored(_))
    }

    /// The data as it is now, and the changes with it: what is left here has none.
    pub(crate) fn hand_over(&mut self) -> Self {
        let data = self.data.clone();
        let before = std::mem::replace(&mut self.before, Before::Unchanged);
        Self { data, before }
    }

    pub(crate) fn into_data(self) -> Arc<D> {
        self.data
    }
}

impl<D: Clone + Default> Working<D> {
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
                self.before = Before::Stored(std::mem::replace(&mut self.data, copy));
            }
            Before::Default | Before::Stored(_) => {}
        }
        Arc::make_mut(&mut self.data)
    }

    /// As it was before the handler changed it.
    pub(crate) fn base(&self) -> Arc<D> {
        match &self.before {
            Before::Unchanged | Before::Fresh => self.data.clone(),
            Before::Default => Arc::default(),
            Before::Stored(stored) => stored.clone(),
        }
    }

    /// The base, and what the handler made of it, if it changed anything.
    pub(crate) fn into_change(self) -> Option<(Arc<D>, Arc<D>)> {
        match self.before {
            Before::Unchanged | Before::Fresh => None,
            Before::Default => Some((Arc::default(), self.data)),
            Before::Stored(stored) => Some((stored, self.data)),
        }
    }
}
