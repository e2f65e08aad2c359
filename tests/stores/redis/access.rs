//! Users and their permissions, and TLS with and without a client certificate.

use connect_session::Untyped;
use connect_session::store::{RedisStore, Store};
use serde_json::json;

use super::tools::{Redis, change, command, error_chain, granted, opened, ready, set, until};
use crate::servers::process::{Folder, free_ports, run};

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn the_documented_permissions_are_sufficient() {
    let redis = Redis::start(&[]).await;
    let _: String = command(&mut redis.raw(), &granted(&[]));
    let url = format!("redis://shop:hunter2%2F%40%3A%3F@127.0.0.1:{}", redis.port);
    let by_url = RedisStore::builder()
        .url(url)
        .prefix("shop:")
        .build()
        .await
        .unwrap();
    let by_name = RedisStore::builder()
        .url(redis.url())
        .credentials("shop", "hunter2/@:?");
    let by_name = by_name.prefix("shop:").build().await.unwrap();
    for store in [by_url, by_name] {
        ready(&store).await.unwrap();
        let session = opened(&store, &json!({"a": 1, "b": 2})).await;
        let record = session.load(&store).await.unwrap().unwrap();
        session.commit(&store, &change(&record)).await.unwrap();
        session
            .commit(&store, &set(&record, &json!({"a": 2})))
            .await
            .unwrap();
        let mut replace = set(&record, &json!({"c": 1}));
        replace.data.as_mut().unwrap().base = None;
        session.commit(&store, &replace).await.unwrap();
        assert_eq!(Store::<Untyped>::count(&store, "test").await.unwrap(), 1);
        assert!(session.destroy(&store).await.unwrap());
        assert!(!format!("{store:?}").contains("hunter2"));
    }
    for missing in [
        "-evalsha",
        "-info",
        "-get",
        "-getrange",
        "-time",
        "-pexpireat",
        "-zadd",
        "-zrange",
    ] {
        let _: String = command(&mut redis.raw(), &granted(&[]));
        let _: String = command(&mut redis.raw(), &["ACL", "SETUSER", "shop", missing]);
        let store = RedisStore::builder()
            .url(redis.url())
            .credentials("shop", "hunter2/@:?");
        let error = ready(&store.prefix("shop:").build().await.unwrap())
            .await
            .unwrap_err();
        let text = error_chain(&error);
        println!("{missing}: {text}");
        assert!(
            text.contains("what to grant") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn databases_are_separate() {
    let redis = Redis::start(&[]).await;
    let first = RedisStore::connect(redis.url()).await.unwrap();
    let second = RedisStore::connect(redis.url() + "/3").await.unwrap();
    let third = RedisStore::builder()
        .url(redis.url())
        .database(3)
        .build()
        .await
        .unwrap();
    let session = opened(&second, &json!({})).await;
    assert!(session.load(&first).await.unwrap().is_none());
    assert!(session.load(&third).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn connects_through_a_unix_socket() {
    let [port] = free_ports();
    let folder = Folder::new();
    let socket = folder.path().join("redis.sock").display().to_string();
    let settings = ["--port", &port.to_string(), "--unixsocket", &socket].map(str::to_owned);
    let _redis = Redis::start_on(port, folder, settings.to_vec()).await;
    // The server opens the socket after the port.
    until("the socket exists", || async {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    })
    .await;
    let store = RedisStore::connect(format!("unix://{socket}?db=2"))
        .await
        .unwrap();
    ready(&store).await.unwrap();
    opened(&store, &json!({})).await;
}

/// Creates a certificate authority, and certificates of a server and a client that it signed.
fn certificates(folder: &Folder) {
    let at = |name: &str| folder.path().join(name).display().to_string();
    let request = |name: &str, subject: &str| {
        run(
            "openssl",
            &[
                "req",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-subj",
                subject,
                "-keyout",
                &at(&format!("{name}.key")),
                "-out",
                &at(&format!("{name}.csr")),
            ],
        );
    };
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            &at("ca.key"),
            "-out",
            &at("ca.pem"),
        ],
    );
    std::fs::write(at("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    for (name, subject) in [("server", "/CN=localhost"), ("client", "/CN=client")] {
        request(name, subject);
        run(
            "openssl",
            &[
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                &at(&format!("{name}.csr")),
                "-CA",
                &at("ca.pem"),
                "-CAkey",
                &at("ca.key"),
                "-CAcreateserial",
                "-extfile",
                &at("names"),
                "-out",
                &at(&format!("{name}.pem")),
            ],
        );
    }
}

#[tokio::test]
#[ignore = "needs Redis; scripts/test starts one"]
async fn tls_verifies_the_server_and_authenticates_the_client() {
    let [port] = free_ports();
    let folder = Folder::new();
    certificates(&folder);
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let (authority, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let settings = [
        "--port",
        "0",
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        "server.pem",
        "--tls-key-file",
        "server.key",
        "--tls-ca-cert-file",
        "ca.pem",
        "--tls-auth-clients",
        "yes",
    ];
    let _redis = Redis::start_on(port, folder, settings.map(str::to_owned).to_vec()).await;
    let url = format!("rediss://127.0.0.1:{port}");
    let builder = RedisStore::builder()
        .url(&url)
        .root_certificate(authority.clone());
    let store = builder
        .client_certificate(certificate.clone(), key.clone())
        .build()
        .await
        .unwrap();
    ready(&store).await.unwrap();
    opened(&store, &json!({})).await;

    let unknown = RedisStore::builder()
        .url(&url)
        .client_certificate(certificate, key.clone());
    let error = unknown.build().await.map(drop).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("root_certificate"), "{error}");
    let nobody = RedisStore::builder().url(&url).root_certificate(authority);
    let error = nobody.build().await.map(drop).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("client_certificate"), "{error}");
    let plain = RedisStore::connect(format!("redis://127.0.0.1:{port}")).await;
    let error = plain.map(drop).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("rediss://"), "{error}");
    let broken = RedisStore::builder()
        .url(&url)
        .client_certificate("no PEM", key);
    let error = broken.build().await.map(drop).unwrap_err().to_string();
    println!("{error}");
    assert!(error.contains("is not PEM"), "{error}");
}
