//! A cell in a static that hides the type of its value from the compiler's checks.

use std::any::Any;
use std::marker::PhantomData;

use tokio::sync::OnceCell;

use crate::store::BoxError;

/// A value that is initialized once.
///
/// The cell is `Send` and `Sync` whatever `T` is: its functions ask for that. If its field named `T`, data that
/// cannot be shared between threads would be reported once more for the static that contains the cell, with all
/// types inside the store.
#[derive(Debug)]
pub(super) struct ErasedCell<T>(OnceCell<Box<dyn Any + Send + Sync>>, PhantomData<fn() -> T>);

impl<T> ErasedCell<T> {
    pub(super) const fn new() -> Self {
        Self(OnceCell::const_new(), PhantomData)
    }
}

impl<T: Send + Sync + 'static> ErasedCell<T> {
    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()?.downcast_ref()
    }

    pub(super) async fn get_or_try_init(
        &self,
        init: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<&T, BoxError> {
        let initialized = self.0.get_or_try_init(async || {
            let value: Box<dyn Any + Send + Sync> = Box::new(init.await?);
            Ok::<_, BoxError>(value)
        });
        let value = initialized.await?.downcast_ref();
        value.ok_or_else(|| "the cell contains a value of another type".into())
    }
}
