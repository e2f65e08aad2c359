//! The files of a database.

use super::*;

/// Only the owner can read the files that a store creates, whatever the umask of the process allows.
#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    const NAME: &str = "sqlite::files::only_the_owner_can_read_the_files";
    if std::env::var("UMASK_IS_SET").is_err() {
        let program = std::env::current_exe().unwrap();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "umask 022; exec \"$0\" --exact \"$1\""]);
        shell.arg(program).arg(NAME).env("UMASK_IS_SET", "yes");
        let output = shell.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
        return;
    }
    let (directory, _cleanup) = directory();
    let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
    let other = directory.join("other");
    std::fs::write(&other, "").unwrap();
    assert_eq!(mode(&other), 0o644, "the umask of this test");
    let by_name = SqliteStore::open(directory.join("a.db")).await.unwrap();
    let url = format!("sqlite://{}/b.db?mode=rwc", directory.display());
    let by_url = SqliteStore::connect(&url).await.unwrap();
    for store in [&by_name, &by_url] {
        open(store, &json!({"a": 1})).await;
    }
    for name in ["a.db", "b.db"] {
        for suffix in ["", "-wal", "-shm"] {
            let file = directory.join(format!("{name}{suffix}"));
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
    // The mode of a file that exists is up to its owner.
    let existing = directory.join("c.db");
    std::fs::write(&existing, "").unwrap();
    let store = SqliteStore::open(&existing).await.unwrap();
    open(&store, &json!({"a": 1})).await;
    assert_eq!(mode(&existing), 0o644);
}

/// Eight processes open a new file concurrently.
#[tokio::test]
async fn concurrent_opens_of_a_new_file() {
    let (directory, _cleanup) = directory();
    let file = directory.join("sessions.db");
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let file = file.clone();
        tasks.spawn(async move { SqliteStore::open(file).await.unwrap() });
    }
    for store in tasks.join_all().await {
        let opened = open(&store, &json!({"a": 1})).await;
        assert_eq!(fixture::json(&load(&store, opened).await), json!({"a": 1}));
    }
}

/// On a full disk, no session is stored partially, existing sessions stay, and freed space is used.
#[tokio::test]
async fn a_full_disk_is_reported() {
    let (directory, _cleanup) = directory();
    let options = SqliteConnectOptions::new().filename(directory.join("sessions.db"));
    let options = options
        .create_if_missing(true)
        .pragma("max_page_count", "64");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap();
    let store = SqliteStore::from_pool(pool).migrate().await.unwrap();
    let long = json!({"long": "x".repeat(20_000)});
    let mut kept = Vec::new();
    let refused = loop {
        let opened = mint();
        match store
            .insert(opened.key, &new_record(opened.secret, &long))
            .await
        {
            Ok(_) => kept.push(opened),
            Err(error) => break (opened, error),
        }
    };
    assert!(matches!(refused.1, StoreError::Full), "{:?}", refused.1);
    assert!(kept.len() > 3);
    assert!(try_load(&store, refused.0).await.unwrap().is_none());
    let record = load(&store, kept[0]).await;
    let longer = json!({"long": "x".repeat(20_000), "more": "x".repeat(40_000)});
    let failed = store
        .commit(kept[0].key, &set(&record, &longer))
        .await
        .unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    for opened in &kept {
        assert_eq!(fixture::json(&load(&store, *opened).await), long);
    }
    assert!(
        Store::<Untyped>::destroy(&store, kept[1].key)
            .await
            .unwrap()
    );
    open_as(&store, refused.0, &new_record(refused.0.secret, &long)).await;
}

/// Another process has locked the file: a write waits and then fails; a read succeeds.
#[tokio::test]
async fn a_locked_file_is_unavailable_for_writes() {
    let (store, file) = store().await;
    let opened = open(&*store, &json!({"a": 1})).await;
    let record = load(&*store, opened).await;
    let options = SqliteConnectOptions::new().filename(&file);
    let mut other = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let limited = SqliteConnectOptions::new().filename(&file);
    let limited = limited.busy_timeout(Duration::from_millis(10));
    let pool = SqlitePoolOptions::new()
        .connect_with(limited)
        .await
        .unwrap();
    let limited = SqliteStore::from_pool(pool);
    let change = set(&record, &json!({"a": 2}));
    let failed = limited.commit(opened.key, &change).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    assert_eq!(
        fixture::json(&load(&limited, opened).await),
        json!({"a": 1})
    );
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    limited.commit(opened.key, &change).await.unwrap();
    assert_eq!(fixture::json(&load(&*store, opened).await), json!({"a": 2}));
}

/// Start-up errors name the cause.
#[tokio::test]
async fn startup_errors_name_the_cause() {
    let (directory, _cleanup) = directory();
    let text_file = directory.join("text");
    std::fs::write(
        &text_file,
        "this is not a database, but a text of some length ".repeat(100),
    )
    .unwrap();
    for (file, expected) in [
        (
            directory.join("nowhere").join("sessions.db"),
            "check that its directory exists",
        ),
        (directory.clone(), "cannot be opened"),
        (text_file.clone(), "is not an SQLite database"),
    ] {
        let failed = SqliteStore::open(&file).await.unwrap_err();
        assert!(
            error_chain(&failed).contains(expected),
            "{}",
            error_chain(&failed)
        );
    }
    assert!(
        std::fs::read_to_string(&text_file)
            .unwrap()
            .starts_with("this is not")
    );
    for url in ["", "sessions.db", "postgres://127.0.0.1/test"] {
        let failed = SqliteStore::connect(url).await.unwrap_err();
        assert!(
            error_chain(&failed).contains("sqlite://path/to/sessions.db"),
            "{}",
            error_chain(&failed)
        );
    }
    let options = SqliteConnectOptions::new().filename(directory.join("own.db"));
    let pool = SqlitePoolOptions::new().connect_with(options.create_if_missing(true));
    let pool = pool.await.unwrap();
    let ready = async |store: &SqliteStore| Store::<Untyped>::check_ready(store).await;
    let store = SqliteStore::from_pool(pool.clone()).table("mine").unwrap();
    let failed = ready(&store).await.unwrap_err();
    assert!(
        error_chain(&failed).contains("`.migrate().await?`"),
        "{}",
        error_chain(&failed)
    );
    sqlx::raw_sql("CREATE TABLE mine (namespace, id)")
        .execute(&pool)
        .await
        .unwrap();
    let failed = ready(&store).await.unwrap_err();
    assert!(
        error_chain(&failed).contains("does not have the columns"),
        "{}",
        error_chain(&failed)
    );
    sqlx::raw_sql("DROP TABLE mine")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(store.schema()))
        .execute(&pool)
        .await
        .unwrap();
    ready(&store).await.unwrap();
    assert!(SqliteStore::from_pool(pool).table("a; b").is_err());
}
