//! Requests that overlap: all of them load the session before any of them continues.

use serde_json::{Value, json};

use super::client::{Call, Reply};
use super::signal::Signal;

/// Requests whose handlers are waiting.
pub struct Overlap {
    go: Signal,
    tasks: Vec<tokio::task::JoinHandle<Reply>>,
}

impl Overlap {
    /// Sends the calls and returns when all handlers are waiting. Each call has a script for before
    /// and one for after the wait.
    pub async fn of(calls: impl IntoIterator<Item = (Call, Value, Value)>) -> Self {
        let (arrived, go) = (Signal::new(), Signal::new());
        let tasks: Vec<_> = (calls.into_iter())
            .map(|(call, before, after)| {
                let list = |value: &Value| value.as_array().unwrap().clone();
                let mut script = list(&before);
                script.extend([json!(["signal", arrived]), json!(["await", go])]);
                script.extend(list(&after));
                tokio::spawn(call.script(json!(script)).send())
            })
            .collect();
        arrived.wait_for(u32::try_from(tasks.len()).unwrap()).await;
        Self { go, tasks }
    }

    /// Like [`of`](Self::of), with one request.
    pub async fn one(call: Call, before: Value, after: Value) -> Self {
        Self::of([(call, before, after)]).await
    }

    /// Lets all handlers continue, and returns the replies in the order of the calls.
    pub async fn go(self) -> Vec<Reply> {
        self.go.send(self.tasks.len());
        let mut replies = Vec::new();
        for task in self.tasks {
            replies.push(task.await.unwrap());
        }
        replies
    }

    /// Lets the only handler continue, and returns its reply.
    pub async fn finish(self) -> Reply {
        let [reply] = <[Reply; 1]>::try_from(self.go().await).unwrap();
        reply
    }
}
