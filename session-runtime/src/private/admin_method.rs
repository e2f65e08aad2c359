//! The function `admin` of a config. The macros do not know the features of this crate, so they expand to a macro of it.

/// Nothing, because the feature `admin` is off.
#[cfg(not(feature = "admin"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __admin_method {
    ($visibility:vis $config:ident) => {};
}

#[cfg(feature = "admin")]
#[doc(hidden)]
#[macro_export]
macro_rules! __admin_method {
    ($visibility:vis $config:ident) => {
        #[allow(dead_code, clippy::self_named_constructors)]
        impl $config {
            /// A page and a JSON API for administrators, who can find, look at and end the sessions of this config.
            /// `authorize` says who may: an async function of the head of a request.
            #[must_use]
            $visibility fn admin<S: $crate::store::SubjectIndex + $crate::store::Inspect>(
                authorize: impl $crate::admin::Authorize,
            ) -> $crate::admin::Admin<$config>
            where
                $config: $crate::config::SessionConfig<Store = S>,
            {
                $crate::admin::admin(authorize)
            }
        }
    };
}
