//! Interprets the script of a request: the JSON list of operations in its `X-Script` header.
//! Independent of the framework.

use std::collections::HashMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::time::Duration;

use connect_session::{Error, ErrorKind};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::edit::edit;
use super::session::{AnySession, BoxFuture};
use super::signal::Signal;

/// A handler's response, which a framework's adapter converts.
#[derive(Debug)]
pub struct HandlerResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// The `Err` of a handler.
#[derive(Debug)]
pub enum Failure {
    /// A session operation failed, and the handler used `?`.
    Session(Error),
    /// The handler failed for its own reasons.
    Own(StatusCode),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the script failed")
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Session(error)
    }
}

impl Failure {
    /// The response that the error is converted to.
    pub fn response(&self) -> HandlerResponse {
        match self {
            Self::Session(error) => {
                let (head, body) = error.to_response().into_parts();
                HandlerResponse {
                    status: head.status,
                    headers: head.headers,
                    body,
                }
            }
            Self::Own(status) => HandlerResponse {
                status: *status,
                headers: HeaderMap::new(),
                body: String::new(),
            },
        }
    }
}

impl From<Failure> for HandlerResponse {
    fn from(failure: Failure) -> Self {
        failure.response()
    }
}

/// The reports of spawned scripts, by the name of their signal.
static REPORTS: Mutex<Option<HashMap<String, Value>>> = Mutex::new(None);

/// Waits for the script that was spawned with this signal, and takes its report.
pub async fn report(signal: &Signal) -> Value {
    signal.wait().await;
    let name = serde_json::to_value(signal).unwrap();
    let mut reports = REPORTS.lock().unwrap();
    reports
        .get_or_insert_default()
        .remove(name.as_str().unwrap())
        .unwrap()
}

/// Runs the script of a request.
pub async fn run(
    session: Option<Box<dyn AnySession>>,
    headers: &HeaderMap,
) -> Result<HandlerResponse, Failure> {
    let script: Vec<Value> = match headers.get("x-script") {
        Some(text) => serde_json::from_slice(text.as_bytes()).unwrap(),
        None => Vec::new(),
    };
    let mut run = Run::new(session);
    run.run_script(&script).await?;
    let mut response = HandlerResponse {
        status: run.status,
        headers: std::mem::take(&mut run.headers),
        body: run.body().to_string(),
    };
    response
        .headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    Ok(response)
}

struct Run {
    session: Option<Box<dyn AnySession>>,
    results: Vec<Value>,
    status: StatusCode,
    headers: HeaderMap,
}

impl Run {
    fn new(session: Option<Box<dyn AnySession>>) -> Self {
        Self {
            session,
            results: Vec::new(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
        }
    }

    fn session(&mut self) -> &mut dyn AnySession {
        &mut **self.session.as_mut().expect("the script needs a session")
    }

    fn take(&mut self) -> Box<dyn AnySession> {
        self.session.take().expect("the script needs a session")
    }

    fn body(&self) -> Value {
        let mut body = json!({ "session": self.session.is_some(), "results": self.results });
        if let Some(session) = &self.session {
            body["id"] = session.id().into();
            body["new"] = session.is_new().into();
            body["subject"] = session.subject().into();
            body["authenticated"] = session.authenticated_at().into();
            body["created"] = session.created_at().into();
            body["expires"] = session.expires_at().into();
            body["data"] = session.data();
        }
        body
    }

    async fn run_script(&mut self, script: &[Value]) -> Result<(), Failure> {
        for operation in script {
            self.run_operation(operation).await?;
        }
        Ok(())
    }

    /// Boxed, because operations can be nested.
    fn run_operation<'a>(&'a mut self, operation: &'a Value) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let (name, args) = operation.as_array().unwrap().split_first().unwrap();
            let text = |at: usize| args[at].as_str().unwrap();
            let seconds = |at: usize| Duration::from_secs(args[at].as_u64().unwrap());
            let signal = |at: usize| Signal::named(text(at));
            match name.as_str().unwrap() {
                // Operations that read the session.
                "sid" => {
                    let sid = self.session().sid();
                    self.results.push(json!(sid));
                }
                "debug" => {
                    let session = self.session();
                    let text = format!("{} {:?}", session.debug(), session.sid());
                    self.results.push(text.into());
                }
                "life" => {
                    let session = self.session();
                    let life = json!([session.created_at(), session.expires_at()]);
                    self.results.push(life);
                }
                // Operations of the session.
                "update" => {
                    let edits = args;
                    let mut change =
                        |data: &mut Value| edits.iter().for_each(|one| edit(data, one));
                    let new = self.session().update(&mut change).await?;
                    self.results.push(new);
                }
                "borrow_mut" => self.session().borrow_mut(),
                "raw" => {
                    let levels = usize::try_from(args[0].as_u64().unwrap()).unwrap();
                    let json = format!("{}{}{}", "[".repeat(levels), args[1], "]".repeat(levels));
                    self.session().raw(json);
                }
                "reload" => self.session().reload().await?,
                "rotate" => self.session().rotate()?,
                "reset" => self.session().reset()?,
                "login" => self.session().login(text(0))?,
                "set_lifetime" => self.session().set_lifetime(seconds(0), seconds(1))?,
                "destroy" => self.take().destroy().await?,
                "save" => self.take().save().await?,
                "try" => {
                    let outcome = match self.run_operation(&args[0]).await {
                        Ok(()) => "ok".to_owned(),
                        Err(Failure::Session(error)) => kind(&error),
                        Err(Failure::Own(status)) => status.to_string(),
                    };
                    self.results.push(outcome.into());
                }
                // How the handler returns.
                "status" => self.status = status(&args[0]),
                "header" => {
                    let name = HeaderName::try_from(text(0)).unwrap();
                    self.headers
                        .append(name, HeaderValue::from_str(text(1)).unwrap());
                }
                "fail" => return Err(Failure::Own(status(&args[0]))),
                // Skips the panic hook, which would print this intended panic.
                "panic" => resume_unwind(Box::new("a panic that the test asked for")),
                "hang" => {
                    let _opens = SentWhenDropped(signal(0));
                    std::future::pending::<()>().await;
                }
                // Synchronization with other requests.
                "signal" => signal(0).send(1),
                "await" => signal(0).wait().await,
                "spawn" => self.spawn(signal(0), args[1].as_array().unwrap().clone()),
                name if self.run_user_operation(name, args).await? => {}
                _ => {
                    let mut change = |data: &mut Value| edit(data, operation);
                    self.session().edit(&mut change);
                }
            }
            Ok(())
        })
    }

    /// Runs an operation on the login or on the sessions of the user. Returns whether it is one.
    async fn run_user_operation(&mut self, name: &str, args: &[Value]) -> Result<bool, Failure> {
        let text = |at: usize| args[at].as_str().unwrap();
        let signal = |at: usize| Signal::named(text(at));
        match name {
            "level" => {
                let level = self.session().level();
                self.results.push(level.into());
            }
            "devices" => {
                let devices = self.session().devices().await?;
                self.results.push(devices);
            }
            "end" => {
                let ended = self.session().end(text(0).parse().unwrap()).await?;
                self.results.push(ended.into());
            }
            "end_others" => {
                let ended = self.session().end_others().await?;
                self.results.push(ended.into());
            }
            "end_all" => {
                let ended = self.session().end_all().await?;
                self.results.push(ended.into());
            }
            "still_alive" => {
                let alive = self.session().still_alive().await?;
                self.results.push(alive.into());
            }
            "login_after" => {
                let (begun, checked) = (signal(1), signal(2));
                let between = Box::pin(async move {
                    begun.send(1);
                    checked.wait().await;
                });
                self.session().login_after(text(0), between).await?;
            }
            "step_up" => {
                let level = u8::try_from(args[0].as_u64().unwrap()).unwrap();
                self.session().step_up(level)?;
            }
            "reauthenticate" => self.session().reauthenticate()?,
            "label" => self.session().label(text(0)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Moves the session into a task, which stores a report when it is done.
    fn spawn(&mut self, done: Signal, script: Vec<Value>) {
        let mut run = Self::new(Some(self.take()));
        tokio::spawn(async move {
            let mut report = match run.run_script(&script).await {
                Ok(()) => json!({}),
                Err(Failure::Session(error)) => json!({ "error": kind(&error) }),
                Err(Failure::Own(status)) => json!({ "error": status.as_u16() }),
            };
            report["results"] = std::mem::take(&mut run.results).into();
            drop(run);
            let name = serde_json::to_value(&done).unwrap();
            let mut reports = REPORTS.lock().unwrap();
            reports
                .get_or_insert_default()
                .insert(name.as_str().unwrap().to_owned(), report);
            done.send(1);
        });
    }
}

/// Sends the signal when a handler that never returns is dropped.
struct SentWhenDropped(Signal);

impl Drop for SentWhenDropped {
    fn drop(&mut self) {
        self.0.send(1);
    }
}

fn kind(error: &Error) -> String {
    // Also checks that the error implements `Debug` and `Display`.
    let _: (String, ErrorKind) = (format!("{error} {error:?}"), error.kind());
    format!("{:?}", error.kind())
}

fn status(value: &Value) -> StatusCode {
    StatusCode::from_u16(u16::try_from(value.as_u64().unwrap()).unwrap()).unwrap()
}
