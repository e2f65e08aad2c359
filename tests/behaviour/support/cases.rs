//! Generates a test of each case for each framework and store.

use std::time::Duration;

use crate::server::Env;

/// The time after which a case counts as hanging. No case measures time.
const WATCHDOG: Duration = Duration::from_secs(240);

/// Runs a case on its own runtime.
pub fn run<Case: Future<Output = ()>>(env: Env, case: impl FnOnce(Env) -> Case) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(WATCHDOG, case(env)).await });
    assert!(done.is_ok(), "the case hangs");
}

/// `every_store` cases run on every store with a movable clock; `memory`, `encoded` and `sqlite`
/// cases run only on that store. `servers` lists the cases that depend on the store and do not move
/// the clock; they also run on every server.
///
/// Frameworks and stores are independent, so each framework runs on the memory store and on encoded
/// fields, and the other stores run only on axum. Every combination would take minutes and find
/// nothing more.
macro_rules! cases {
    (
        every_store: $($every_store:ident)*;
        memory: $($memory:ident)*;
        encoded: $($encoded:ident)*;
        $(sqlite: $($sqlite:ident)*;)?
        $(servers: $($servers:ident)*;)?
    ) => {
        mod on_other_stores {
            #[cfg(feature = "sqlite")]
            mod sqlite {
                $(crate::support::cases::test!(Axum, Sqlite, $every_store);)*
                $($(crate::support::cases::test!(Axum, Sqlite, $sqlite);)*)?
            }
            $(crate::support::cases::servers!($($servers)*);)?
        }
        #[cfg(feature = "actix-web")]
        mod actix {
            crate::support::cases::stores!(
                Actix, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
        mod axum {
            crate::support::cases::stores!(
                Axum, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
        #[cfg(feature = "poem")]
        mod poem {
            crate::support::cases::stores!(
                Poem, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
        #[cfg(feature = "salvo")]
        mod salvo {
            crate::support::cases::stores!(
                Salvo, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
        mod plain {
            crate::support::cases::stores!(
                Plain, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
        #[cfg(feature = "rocket")]
        mod rocket {
            crate::support::cases::stores!(
                Rocket, [$($every_store)* $($memory)*], [$($every_store)* $($encoded)*]
            );
        }
    };
}

macro_rules! stores {
    ($framework:ident, [$($memory:ident)*], [$($encoded:ident)*]) => {
        mod memory {
            $(crate::support::cases::test!($framework, Memory, $memory);)*
        }
        mod encoded {
            $(crate::support::cases::test!($framework, Encoded, $encoded);)*
        }
    };
}

macro_rules! servers {
    ($($case:ident)*) => {
        #[cfg(feature = "redis")]
        mod redis {
            $(crate::support::cases::test!(
                #[ignore = "needs Redis; scripts/test starts one"] Axum, Redis, $case
            );)*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(crate::support::cases::test!(
                #[ignore = "needs PostgreSQL; scripts/test starts one"] Axum, Postgres, $case
            );)*
        }
        #[cfg(feature = "mysql")]
        mod mysql {
            $(crate::support::cases::test!(
                #[ignore = "needs MariaDB; scripts/test starts one"] Axum, MySql, $case
            );)*
        }
    };
}

macro_rules! test {
    ($(#[$attribute:meta])? $framework:ident, $store:ident, $case:ident) => {
        #[test]
        $(#[$attribute])?
        fn $case() {
            let env = crate::server::Env {
                framework: crate::frameworks::Framework::$framework,
                store: crate::stores::StoreKind::$store,
            };
            crate::support::cases::run(env, super::super::$case);
        }
    };
}

pub(crate) use {cases, servers, stores, test};
