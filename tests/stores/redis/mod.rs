//! `RedisStore`, on one server.

use connect_session::store::RedisStore;
use connect_session::testing::conformance::{UnderTest, store_conformance};

use crate::servers;

store_conformance! {
    #[ignore = "needs Redis; scripts/test brings one"]
    mod conformance, || async {
        let store = RedisStore::connect(servers::url("TEST_REDIS_URL")).await.unwrap();
        UnderTest::new(store)
    }
}
