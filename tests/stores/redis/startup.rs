//! Errors at startup if Redis cannot be used.

use connect_session::store::{RedisStore, RedisStoreError};

use super::tools::{Redis, error_chain, ready};
use crate::servers::process::free_ports;
use crate::warnings::Warnings;

async fn refused(url: &str) -> String {
    let error: RedisStoreError = RedisStore::connect(url).await.map(drop).unwrap_err();
    let text = error_chain(&error);
    println!("{url}\n    {text}");
    assert!(
        !text.contains("hunter2") && !format!("{error:?}").contains("hunter2"),
        "{text}"
    );
    text
}

async fn not_ready(store: &RedisStore) -> String {
    let text = error_chain(&ready(store).await.unwrap_err());
    println!("    {text}");
    text
}

#[tokio::test]
async fn invalid_urls_are_reported_without_the_password() {
    for url in [
        "",
        "localhost",
        "http://user:hunter2@localhost",
        "redis://user:hunter2@",
        "redis://user:hunter2@localhost:99999",
        "redis://user:hunter2@localhost/zero",
        "redis://user:hunter2@localhost/-1",
        "redis://user:hunter2@0.0.0.0",
        "redis://user:hunter2/2@localhost",
        "rediss://user:hunter2@localhost/#insecure",
        "redis-sentinel://user:hunter2@localhost",
        "redis-cluster://user:hunter2@localhost:port",
    ] {
        let text = refused(url).await;
        assert!(
            text.contains("redis://user:password@host:6379/0")
                || text.contains("redis-sentinel://user:password")
                || text.contains("root_certificate")
                || text.contains("below 0"),
            "{text}"
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn connection_and_login_failures_are_reported() {
    let redis = Redis::start(&["--requirepass", "hunter2", "--databases", "2"]).await;
    let [port] = free_ports();
    refused(&format!("redis://127.0.0.1:{port}")).await;
    refused("redis://no.such.host.invalid").await;
    refused(&format!("redis://127.0.0.1:{}", redis.port)).await;
    refused(&format!("redis://:wrong@127.0.0.1:{}", redis.port)).await;
    refused(&format!("redis://:hunter2@127.0.0.1:{}/7", redis.port)).await;
    refused(&format!("rediss://:hunter2@127.0.0.1:{}", redis.port)).await;
    refused("unix:///no/such/socket").await;
    let web = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in web.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1000]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    refused(&format!("redis://127.0.0.1:{port}")).await;
    let store = RedisStore::connect(format!("redis://:hunter2@127.0.0.1:{}/1", redis.port))
        .await
        .unwrap();
    ready(&store).await.unwrap();
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn servers_that_evict_sessions_are_rejected() {
    for policy in [
        "allkeys-lru",
        "allkeys-random",
        "volatile-lru",
        "volatile-ttl",
    ] {
        let redis = Redis::start(&["--maxmemory-policy", policy]).await;
        let store = RedisStore::connect(redis.url()).await.unwrap();
        let text = not_ready(&store).await;
        assert!(
            text.contains(policy) && text.contains("noeviction") && text.contains("allow_eviction"),
            "{text}"
        );
        let allowed = RedisStore::builder().url(redis.url());
        let allowed = allowed.allow_eviction("the provider has nothing else");
        let warnings = Warnings::record();
        ready(&allowed.build().await.unwrap()).await.unwrap();
        let texts = warnings.take();
        assert!(
            matches!(&texts[..], [text] if text.contains(policy)
                && text.contains("the provider has nothing else")),
            "{texts:?}"
        );
    }
}

#[tokio::test]
async fn eviction_is_allowed_for_a_reason_only() {
    let builder = RedisStore::builder().url("redis://127.0.0.1:1");
    let error = builder.allow_eviction(" ").build().await.unwrap_err();
    let text = error_chain(&error);
    assert!(text.contains("`allow_eviction` has no reason"), "{text}");
}
