//! A session that outlives its request, in the loop of a socket or of another stream.

use serde_json::json;

use crate::server::Env;
use crate::support::cases::cases;
use crate::support::script::report;
use crate::support::signal::Signal;

cases! {
    every_store:
        row_48a_a_loop_updates_after_the_response;
    memory:;
    encoded:;
    servers:
        row_48a_a_loop_updates_after_the_response;
}

/// Updates the session for each message, as the loop of a socket does.
async fn row_48a_a_loop_updates_after_the_response(env: Env) {
    let server = env.start().await;
    let session = server.open("main").await;
    let (done, messages, results) = (Signal::new(), Signal::new(), Signal::new());
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend([
            json!(["await", messages]),
            json!(["update", ["add", "/visits", 1]]),
            json!(["signal", results]),
        ]);
    }
    let script = json!([["spawn", done, all]]);
    server.run(&session, script).send().await.ok().without_sid();
    for count in 1..4 {
        messages.send(1);
        results.wait().await;
        let data = server.data(&session).await;
        assert_eq!(
            data["visits"],
            11 * count - 10,
            "an update was not stored at once"
        );
        // Another request changes the same field between two messages.
        let other = json!([["update", ["add", "/visits", 10]]]);
        server.run(&session, other).send().await.ok();
    }
    // After the end of the session, an update is an error that ends the loop.
    server.run(&session, json!([["destroy"]])).send().await.ok();
    messages.send(1);
    let report = report(&done).await;
    assert_eq!(report["error"], "Ended");
    let visits: Vec<_> = (report["results"].as_array().unwrap().iter())
        .map(|data| data["visits"].clone())
        .collect();
    assert_eq!(visits, [json!(1), json!(12), json!(23)]);
    assert!(!server.is_alive(&session).await);
}
