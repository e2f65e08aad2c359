//! What the data of a session may be, on every store.

mod proof;
mod shapes;
pub mod stores;
pub mod tools;
mod undecodable;
mod unusual_shapes;
mod versions;

/// Makes one test of each case for each store.
macro_rules! on_every_store {
    (@run $store:ident $case:ident) => {
        let stores = crate::data::stores::Stores::open(crate::data::stores::Place::$store);
        super::$case(&stores.await).await;
    };
    ($($case:ident)*) => {
        on_every_store! { Memory memory [$($case)*] }
        on_every_store! { @encoding $($case)* }
    };
    (@encoding $($case:ident)*) => {
        on_every_store! { Tower tower_sessions [$($case)*] }
        on_every_store! { Sqlite sqlite [$($case)*] }
        on_every_store! { Redis redis "needs Redis; scripts/test starts one" [$($case)*] }
        on_every_store! { Postgres postgres "needs PostgreSQL; scripts/test starts one" [$($case)*] }
        on_every_store! { MySql mysql "needs MySQL or MariaDB; scripts/test starts one" [$($case)*] }
    };
    ($store:ident $name:ident [$($case:ident)*]) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $case() {
                    crate::data::on_every_store! { @run $store $case }
                }
            )*
        }
    };
    ($store:ident $name:ident $reason:literal [$($case:ident)*]) => {
        mod $name {
            $(
                #[tokio::test]
                #[ignore = $reason]
                async fn $case() {
                    crate::data::on_every_store! { @run $store $case }
                }
            )*
        }
    };
}

pub(crate) use on_every_store;
