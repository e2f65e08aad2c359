//! The data of a handler together with its previous value, which shows whether it was changed.

use std::sync::Arc;

use crate::data::{self, SessionData, encode};

/// The data as a handler reads and changes it.
///
/// `before` shows whether the data was changed. There is no separate dirty flag that could be
/// forgotten.
pub(crate) struct TrackedData<D> {
    data: Arc<D>,
    before: Before<D>,
}

/// The data before the handler changed it.
enum Before<D> {
    /// The loaded data, which is unchanged.
    SameAsLoaded,
    /// The default data of a new or reset session, which is unchanged.
    SameAsDefault,
    /// The default data, which was changed since. It is not kept, because it can be created again.
    Default,
    /// The loaded data, which was changed since.
    Loaded(Arc<D>),
}

impl<D> TrackedData<D> {
    /// Unchanged data.
    pub(crate) fn new(data: Arc<D>) -> Self {
        let before = Before::SameAsLoaded;
        Self { data, before }
    }

    /// Data with a different previous value.
    pub(crate) fn changed(before: Arc<D>, data: Arc<D>) -> Self {
        let before = Before::Loaded(before);
        Self { data, before }
    }

    /// The current data.
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

    /// Whether the data started as the `Default`, not as loaded data.
    pub(crate) fn started_fresh(&self) -> bool {
        matches!(self.before, Before::SameAsDefault | Before::Default)
    }

    /// Takes the data with its previous value. The data that remains here counts as unchanged.
    pub(crate) fn take(&mut self) -> Self {
        let data = self.data.clone();
        let before = std::mem::replace(&mut self.before, Before::SameAsLoaded);
        Self { data, before }
    }

    /// Whether the handler's changes apply to exactly this data.
    pub(crate) fn is_based_on(&self, stored: &Arc<D>) -> bool {
        match &self.before {
            Before::SameAsLoaded => Arc::ptr_eq(&self.data, stored),
            Before::Loaded(before) => Arc::ptr_eq(before, stored),
            Before::SameAsDefault | Before::Default => false,
        }
    }

    pub(crate) fn into_data(self) -> Arc<D> {
        self.data
    }
}

impl<D: SessionData> TrackedData<D> {
    /// Whether the data was changed, and its encoded form too. Data without an encoded form counts as
    /// different.
    pub(crate) fn encodes_differently(&self) -> bool {
        self.is_changed()
            && match (encode(self.data(), None), encode(&*self.base(), None)) {
                (Ok(now), Ok(before)) => !data::same_fields(&now, &before),
                _ => true,
            }
    }
}

impl<D: Clone + Default> TrackedData<D> {
    /// Unchanged data: this, or the default.
    pub(crate) fn start(data: Option<Arc<D>>) -> Self {
        match data {
            Some(data) => Self::new(data),
            None => Self::fresh(),
        }
    }

    /// The data of a new or reset session.
    pub(crate) fn fresh() -> Self {
        Self {
            data: Arc::default(),
            before: Before::SameAsDefault,
        }
    }

    /// The data before the handler changed it, unchanged.
    pub(crate) fn reverted(self) -> Self {
        match self.before {
            Before::SameAsLoaded | Before::SameAsDefault => self,
            Before::Default => Self::fresh(),
            Before::Loaded(before) => Self::new(before),
        }
    }

    /// Mutable access to the current data. The call itself counts as a change.
    pub(crate) fn data_mut(&mut self) -> &mut D {
        match self.before {
            Before::SameAsDefault => self.before = Before::Default,
            Before::SameAsLoaded => {
                let copy = Arc::new(D::clone(&self.data));
                self.before = Before::Loaded(std::mem::replace(&mut self.data, copy));
            }
            Before::Default | Before::Loaded(_) => {}
        }
        Arc::make_mut(&mut self.data)
    }

    /// The data before the handler changed it.
    pub(crate) fn base(&self) -> Arc<D> {
        match &self.before {
            Before::SameAsLoaded | Before::SameAsDefault => self.data.clone(),
            Before::Default => Arc::default(),
            Before::Loaded(stored) => stored.clone(),
        }
    }
}
