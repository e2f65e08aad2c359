//! What a program is told when it starts.

use super::*;

/// Start-up errors name the cause and do not contain the password.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn startup_errors_name_the_cause() {
    let (host, port) = (options().get_host().to_owned(), options().get_port());
    let nobody = servers::unique("nobody");
    let mysql: sqlx::mysql::MySqlConnectOptions = servers::url("TEST_MYSQL_URL").parse().unwrap();
    let cases = [
        (String::new(), "postgres://user:password@host:5432/database"),
        (
            "10.0.0.1:5432".to_owned(),
            "postgres://user:password@host:5432/database",
        ),
        (
            "mysql://me:hunter2@127.0.0.1/test".to_owned(),
            "another kind of server, `mysql`",
        ),
        (
            "postgres://me:hunter2@127.0.0.1:99999/test".to_owned(),
            "cannot be read",
        ),
        (
            "postgres://me:hunter2@127.0.0.1:1/test".to_owned(),
            "no PostgreSQL server answers",
        ),
        (
            format!("postgres://{nobody}:hunter2@{host}:{port}/test"),
            "check the user, the password",
        ),
        (format!("{}_nowhere", url()), "no such database"),
        (
            format!("postgres://me:hunter2@127.0.0.1:{}/test", mysql.get_port()),
            "does not use the PostgreSQL protocol",
        ),
    ];
    for (url, expected) in cases {
        let connecting = PostgresStore::connect(&url);
        assert!(!format!("{connecting:?}").contains("hunter2"));
        let failed = connecting
            .acquire_timeout(Duration::from_secs(5))
            .await
            .unwrap_err();
        let text = error_chain(&failed);
        assert!(text.contains(expected), "{url}: {text}");
        assert!(
            !text.contains("hunter2") && !format!("{failed:?}").contains("hunter2"),
            "{text}"
        );
    }
    let (store, table) = store().await;
    let ready = async || error_chain(&Store::<Untyped>::check_ready(&*store).await.unwrap_err());
    run(format!("ALTER TABLE {table} RENAME COLUMN due TO other")).await;
    assert!(
        ready().await.contains("does not have the columns"),
        "{}",
        ready().await
    );
    run(format!("DROP TABLE {table}")).await;
    assert!(
        ready().await.contains("`.migrate().await?`"),
        "{}",
        ready().await
    );
    let refused = PostgresStore::connect(&url())
        .await
        .unwrap()
        .table("a; DROP TABLE b");
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
}

/// A user without write privileges is reported at startup.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn missing_privileges_are_reported_at_startup() {
    let (store, table) = store().await;
    let user = servers::unique("reader");
    let remove = user.clone();
    let drop_user = async move || run(format!("DROP OWNED BY {remove}; DROP ROLE {remove}")).await;
    let _cleanup = Cleanup::block_on(drop_user);
    run(format!(
        "CREATE ROLE {user} LOGIN; GRANT SELECT ON {table}, {table}_subjects TO {user}"
    ))
    .await;
    let pool = PgPoolOptions::new()
        .connect_with(options().username(&user))
        .await
        .unwrap();
    let reader = PostgresStore::from_pool(pool).table(&table).unwrap();
    let text = error_chain(&Store::<Untyped>::check_ready(&reader).await.unwrap_err());
    assert!(
        text.contains("GRANT SELECT, INSERT, UPDATE, DELETE"),
        "{text}"
    );
    // Migrating an existing table requires no further privileges.
    run(format!(
        "GRANT INSERT, UPDATE, DELETE ON {table}, {table}_subjects TO {user}"
    ))
    .await;
    let reader = reader.migrate().await.unwrap();
    Store::<Untyped>::check_ready(&reader).await.unwrap();
    let opened = open(&*store, &json!({})).await;
    load(&reader, opened).await;
}

/// Without this check, every creation of a session would fail.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
async fn a_read_only_database_is_reported_at_startup() {
    let (_store, table) = store().await;
    let read_only = options().options([("default_transaction_read_only", "on")]);
    let pool = PgPoolOptions::new().connect_with(read_only).await.unwrap();
    let reader = PostgresStore::from_pool(pool).table(&table).unwrap();
    let text = error_chain(&Store::<Untyped>::check_ready(&reader).await.unwrap_err());
    assert!(text.contains("`default_transaction_read_only`"), "{text}");
}
