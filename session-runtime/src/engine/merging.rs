//! Merges this request's changes with the stored data. A long merge runs on a thread that answers no
//! requests.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::config::SessionConfig;
use crate::data::is_larger_than;
use crate::merge::{self, Merge};
use crate::store::BoxFuture;

/// The total size of the three versions, in bytes of JSON, from which a merge runs on a blocking thread.
/// It takes about a millisecond.
const LARGE: usize = 64 << 10;

/// Merges the three versions of the data. Boxed, to keep the future of every commit small: conflicts
/// are rare.
pub(super) fn merged<C: SessionConfig>(
    loaded: Arc<C::Data>,
    mine: Arc<C::Data>,
    theirs: Arc<C::Data>,
) -> BoxFuture<'static, Merge<C::Data>> {
    Box::pin(async move {
        let merge = {
            let versions = [loaded.clone(), mine.clone(), theirs.clone()];
            move || {
                let [loaded, mine, theirs] = &versions;
                merge::merge(C::merge, C::UNTYPED, loaded, mine, theirs)
            }
        };
        let runtime = Handle::try_current().ok();
        let Some(runtime) = runtime.filter(|_| is_larger_than([&*loaded, &*mine, &*theirs], LARGE))
        else {
            return merge();
        };
        match runtime.spawn_blocking(merge).await {
            Ok(merged) => merged,
            Err(error) => match error.try_into_panic() {
                // The user's code panicked.
                Ok(panic) => resume_unwind(panic),
                // The runtime is shutting down and accepts no more tasks.
                Err(_) => merge::merge(C::merge, C::UNTYPED, &loaded, &mine, &theirs),
            },
        }
    })
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test reports by panicking")]
mod tests {
    use std::sync::Mutex;
    use std::thread::{self, ThreadId};

    use super::*;
    use crate::config::{ConfigCell, Options};
    use crate::merge::MergeInputs;
    use crate::store::{BoxError, MemoryStore};
    use crate::untyped::Untyped;

    /// The thread of each merge.
    static MERGED_ON: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

    struct Config;

    impl SessionConfig for Config {
        type Data = Untyped;
        type Store = MemoryStore<Untyped>;
        const NAME: &'static str = "Config";
        const OPTIONS: Options = Options::new("merging");
        const UNTYPED: bool = true;

        async fn connect() -> Result<Self::Store, BoxError> {
            Ok(MemoryStore::new())
        }

        fn merge(_: &mut MergeInputs<'_, Untyped>) {
            MERGED_ON
                .lock()
                .expect("a lock")
                .push(thread::current().id());
        }

        fn cell() -> &'static ConfigCell<Self> {
            static CELL: ConfigCell<Config> = ConfigCell::new();
            &CELL
        }
    }

    fn data(size: usize, mine: &str) -> Arc<Untyped> {
        let mut data = Untyped::default();
        data.insert("text", "x".repeat(size)).expect("inserted");
        data.insert(mine, 1).expect("inserted");
        Arc::new(data)
    }

    #[test]
    fn only_a_large_merge_leaves_the_thread() {
        let here = thread::current().id();
        let versions = |size| (data(size, "a"), data(size, "b"), data(size, "c"));
        let threads = |merged: Merge<Untyped>| {
            assert!(merged.data.contains("b") && merged.data.contains("c"));
            std::mem::take(&mut *MERGED_ON.lock().expect("a lock"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let (loaded, mine, theirs) = versions(10);
        let small = runtime.block_on(merged::<Config>(loaded, mine, theirs));
        assert_eq!(threads(small), [here]);
        let (loaded, mine, theirs) = versions(LARGE);
        let large = runtime.block_on(merged::<Config>(loaded, mine, theirs));
        assert_ne!(threads(large), [here]);
    }
}
