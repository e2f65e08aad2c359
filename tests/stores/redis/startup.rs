//! What a program says before its first request, if its Redis cannot be used.

use connect_session::store::{RedisStore, RedisStoreError};

use super::tools::{Redis, ready, whole};
use crate::servers::process::free_ports;

async fn refused(url: &str) -> String {
    let error: RedisStoreError = RedisStore::connect(url).await.map(drop).unwrap_err();
    let text = whole(&error);
    println!("{url}\n    {text}");
    assert!(
        !text.contains("hunter2") && !format!("{error:?}").contains("hunter2"),
        "{text}"
    );
    text
}

async fn not_ready(store: &RedisStore) -> String {
    let text = whole(&ready(store).await.unwrap_err());
    println!("    {text}");
    text
}

#[tokio::test]
async fn a_wrong_url_is_told_without_its_password() {
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
#[ignore = "needs Redis; scripts/test brings one"]
async fn what_is_not_there_or_does_not_let_in_is_told() {
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
#[ignore = "needs Redis; scripts/test brings one"]
async fn a_server_that_forgets_sessions_is_refused() {
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
            text.contains(policy) && text.contains("noeviction"),
            "{text}"
        );
    }
}
