//! The public methods that all three stores have.

/// Implements the settings of a store, `Debug`, and awaiting its [`ConnectBuilder`](crate::ConnectBuilder),
/// for a tuple struct of a [`Handle`](crate::backend::Handle). The documentation of the first two
/// methods depends on the database.
macro_rules! store_methods {
    ($store:ident, table: $table:literal, timeout: $timeout:literal) => {
        impl $store {
            #[doc = $table]
            ///
            /// # Errors
            /// If the name, or the part before the dot, is empty, begins with a digit, is longer
            /// than 48 characters, or contains a character other than ASCII letters, digits and `_`.
            pub fn table(
                self,
                name: &str,
            ) -> Result<Self, connect_session_runtime::store::StoreError> {
                Ok(Self(self.0.table(name)?))
            }

            #[doc = $timeout]
            #[must_use]
            pub fn statement_timeout(self, at_most: std::time::Duration) -> Self {
                Self(self.0.with(|inner| inner.timeout = at_most))
            }

            /// Sets how often ended sessions are removed; the default is every 60 seconds. With
            /// `None`, this store never removes them by itself.
            #[must_use]
            pub fn sweep_every(self, every: Option<std::time::Duration>) -> Self {
                Self(self.0.sweep_every(every))
            }

            /// Creates the tables and their indexes unless they exist.
            ///
            /// # Errors
            /// If the database cannot be reached, refuses, or has a table of that name with other
            /// columns.
            pub async fn migrate(self) -> Result<Self, connect_session_runtime::store::StoreError> {
                crate::backend::Backend::migrate(&*self.0.inner).await?;
                Ok(self)
            }

            /// The SQL that [`migrate`](Self::migrate) runs, for the tables of this store.
            #[must_use]
            pub fn schema(&self) -> String {
                self.0.schema()
            }
        }

        impl std::fmt::Debug for $store {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($store))
                    .field("backend_id", &self.0.inner.backend_id())
                    .finish_non_exhaustive()
            }
        }

        impl std::future::IntoFuture for crate::ConnectBuilder<$store> {
            type Output = Result<$store, connect_session_runtime::store::StoreError>;
            type IntoFuture = connect_session_runtime::store::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(setup::connect(self))
            }
        }
    };
}

pub(crate) use store_methods;
