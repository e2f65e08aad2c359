//! The sessions of a user on a primary that sentinels watch.

use connect_session::store::{InsertOutcome, LoginRefusal, NewLogin, RedisStore, SubjectIndex};
use connect_session::{OnMaxSessions, SessionId};

use super::failover::{Watched, until_confirmed, with_short_timeouts};
use super::logins::{insert, limited, log_in, subject};
use super::tools::until;

async fn ids(store: &RedisStore) -> Vec<SessionId> {
    let page = store.list(subject("ada"), None, 10).await.unwrap();
    page.sessions.iter().map(|session| session.id).collect()
}

/// The new primary knows the sessions of a user, and that all were ended: a login from before is refused.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis; scripts/test starts one"]
async fn the_index_and_the_mark_survive_a_failover() {
    let mut watched = Watched::start().await;
    let store = with_short_timeouts(RedisStore::builder().url(watched.url()));
    let store = store.replicas(1).build().await.unwrap();
    until_confirmed(&store).await;
    let fence = Some(store.revocation_mark(subject("ada")).await.unwrap());
    let attempt = NewLogin {
        fence,
        ..NewLogin::new("ada")
    };
    let ended = log_in(&store, attempt.clone()).await.key.id;
    let all = store.end_all(subject("ada"), None).await.unwrap();
    assert_eq!(all, [ended]);
    let two = || limited("ada", 2, OnMaxSessions::EndOldest);
    let first = log_in(&store, two()).await.key.id;
    let second = log_in(&store, two()).await.key.id;
    let (_, inserted) = insert(&store, two()).await;
    let InsertOutcome::Done { ended, .. } = inserted else {
        panic!("the login was not stored");
    };
    // Logins of the same millisecond have no order.
    assert!(ended == [first] || ended == [second]);
    let living = ids(&store).await;
    assert!(living.len() == 2 && !living.contains(&ended[0]));

    watched.primary.kill();
    until("a list", || async {
        store.list(subject("ada"), None, 10).await.is_ok()
    })
    .await;
    assert_eq!(ids(&store).await, living);
    // A write has no replica that could confirm it now.
    let store = with_short_timeouts(RedisStore::builder().url(watched.url()));
    let store = store.build().await.unwrap();
    let (_, refused) = insert(&store, attempt).await;
    assert!(matches!(
        refused,
        InsertOutcome::Refused(LoginRefusal::Revoked)
    ));
    let newest = log_in(&store, two()).await.key.id;
    let left = ids(&store).await;
    assert!(left.len() == 2 && left[0] == newest && living.contains(&left[1]));
    let ada = subject("ada");
    assert!(store.end(ada, newest).await.unwrap());
    assert_eq!(store.end_all(ada, None).await.unwrap(), left[1..]);
    assert_eq!(store.count_of(ada).await.unwrap(), 0);
}
