//! `RedisStore`, on one server and on many.

use connect_session::store::RedisStore;
use connect_session::testing::conformance::{
    Harness, inspect_conformance, store_conformance, subject_index_conformance,
};

use crate::servers;

mod access;
mod clock;
mod concurrency;
mod damaged;
mod failover;
mod faults;
mod login_processes;
mod logins;
mod logins_behind_sentinels;
mod logins_on_cluster;
pub mod own_cluster;
mod round_trips;
mod startup;
mod stored;
pub mod tools;

store_conformance! {
    #[ignore = "needs Redis; scripts/test starts one"]
    mod conformance, || async {
        let store = RedisStore::connect(servers::url("TEST_REDIS_URL")).await.unwrap();
        Harness::new(store)
    }
}

store_conformance! {
    #[ignore = "needs a Redis Cluster; scripts/test starts one"]
    mod cluster_conformance, || async {
        let urls = servers::url("TEST_REDIS_CLUSTER_URLS");
        let store = RedisStore::builder().cluster(urls.split(',')).build().await.unwrap();
        Harness::new(store)
    }
}

inspect_conformance! {
    #[ignore = "needs Redis; scripts/test starts one"]
    mod inspect, || async {
        let store = RedisStore::connect(servers::url("TEST_REDIS_URL")).await.unwrap();
        Harness::new(store)
    }
}

subject_index_conformance! {
    #[ignore = "needs Redis; scripts/test starts one"]
    mod subject_index, || async {
        let store = RedisStore::connect(servers::url("TEST_REDIS_URL")).await.unwrap();
        Harness::new(store)
    }
}

inspect_conformance! {
    #[ignore = "needs a Redis Cluster; scripts/test starts one"]
    mod cluster_inspect, || async {
        let urls = servers::url("TEST_REDIS_CLUSTER_URLS");
        let store = RedisStore::builder().cluster(urls.split(',')).build().await.unwrap();
        Harness::new(store).with_index_in_steps()
    }
}

subject_index_conformance! {
    #[ignore = "needs a Redis Cluster; scripts/test starts one"]
    mod cluster_subject_index, || async {
        let urls = servers::url("TEST_REDIS_CLUSTER_URLS");
        let store = RedisStore::builder().cluster(urls.split(',')).build().await.unwrap();
        Harness::new(store).with_index_in_steps()
    }
}
