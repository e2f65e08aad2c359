//! Type-erased sessions, so that the script interpreter is compiled only once.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connect_session::store::SubjectIndex;
use connect_session::{Error, Session, SessionConfig, SessionData, SessionId, Sid};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::data::Heap;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Every operation of a session, with the data as JSON.
pub trait AnySession: Send {
    fn id(&self) -> String;
    fn sid(&self) -> Option<Sid>;
    fn is_new(&self) -> bool;
    fn subject(&self) -> Option<String>;
    fn created_at(&self) -> u64;
    fn expires_at(&self) -> u64;
    fn data(&self) -> Value;
    fn debug(&self) -> String;
    fn edit(&mut self, edit: &mut dyn FnMut(&mut Value));
    fn borrow_mut(&mut self);
    /// Sets the JSON that [`Heap`] keeps unchanged.
    fn raw(&mut self, json: String);
    fn update<'a>(
        &'a mut self,
        edit: &'a mut (dyn FnMut(&mut Value) + Send),
    ) -> BoxFuture<'a, Result<Value, Error>>;
    fn reload(&mut self) -> BoxFuture<'_, Result<(), Error>>;
    fn rotate(&mut self) -> Result<(), Error>;
    fn reset(&mut self) -> Result<(), Error>;
    fn login(&mut self, subject: &str) -> Result<(), Error>;
    /// Logs in after `between`, which runs between the beginning of the attempt and its end.
    fn login_after<'a>(
        &'a mut self,
        subject: &'a str,
        between: BoxFuture<'a, ()>,
    ) -> BoxFuture<'a, Result<(), Error>>;
    fn level(&self) -> u8;
    fn authenticated_at(&self) -> Option<u64>;
    fn step_up(&mut self, level: u8) -> Result<(), Error>;
    fn reauthenticate(&mut self) -> Result<(), Error>;
    fn label(&mut self, label: &str);
    /// The sessions of the user; `null` without a login.
    fn devices(&self) -> BoxFuture<'_, Result<Value, Error>>;
    /// Ends one of them.
    fn end(&self, id: SessionId) -> BoxFuture<'_, Result<bool, Error>>;
    fn end_others(&self) -> BoxFuture<'_, Result<usize, Error>>;
    fn end_all(&self) -> BoxFuture<'_, Result<usize, Error>>;
    fn still_alive(&self) -> BoxFuture<'_, Result<bool, Error>>;
    fn set_lifetime(&mut self, idle: Duration, absolute: Duration) -> Result<(), Error>;
    fn save(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
    fn destroy(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>>;
}

fn change<D: SessionData>(data: &mut D, edit: &mut dyn FnMut(&mut Value)) -> Value {
    let mut value = serde_json::to_value(&*data).unwrap();
    edit(&mut value);
    *data = serde_json::from_value(value.clone()).unwrap();
    value
}

fn millis(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A config whose store knows the sessions of a user.
pub trait SuiteConfig: SessionConfig<Store: SubjectIndex> {}

impl<C: SessionConfig<Store: SubjectIndex>> SuiteConfig for C {}

impl<C: SuiteConfig> AnySession for Session<C> {
    fn id(&self) -> String {
        self.id().to_string()
    }

    fn sid(&self) -> Option<Sid> {
        self.sid()
    }

    fn is_new(&self) -> bool {
        self.is_new()
    }

    fn subject(&self) -> Option<String> {
        self.subject().map(str::to_owned)
    }

    fn created_at(&self) -> u64 {
        millis(self.created_at())
    }

    fn expires_at(&self) -> u64 {
        millis(self.expires_at())
    }

    fn data(&self) -> Value {
        serde_json::to_value(self.data()).unwrap()
    }

    fn debug(&self) -> String {
        format!("{self:?}")
    }

    fn edit(&mut self, edit: &mut dyn FnMut(&mut Value)) {
        change(self.data_mut(), edit);
    }

    fn borrow_mut(&mut self) {
        let _ = self.data_mut();
    }

    fn raw(&mut self, json: String) {
        let data: &mut dyn Any = self.data_mut();
        let heap = data.downcast_mut::<Heap>().unwrap();
        heap.raw = Some(RawValue::from_string(json).unwrap());
    }

    fn update<'a>(
        &'a mut self,
        edit: &'a mut (dyn FnMut(&mut Value) + Send),
    ) -> BoxFuture<'a, Result<Value, Error>> {
        Box::pin(self.update(move |data| change(data, edit)))
    }

    fn reload(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.reload())
    }

    fn rotate(&mut self) -> Result<(), Error> {
        self.rotate()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.reset()
    }

    fn login(&mut self, subject: &str) -> Result<(), Error> {
        self.login(subject)
    }

    fn login_after<'a>(
        &'a mut self,
        subject: &'a str,
        between: BoxFuture<'a, ()>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let attempt = self.begin_login(subject).await?;
            between.await;
            self.login(attempt)
        })
    }

    fn level(&self) -> u8 {
        self.level()
    }

    fn authenticated_at(&self) -> Option<u64> {
        self.authenticated_at().map(millis)
    }

    fn step_up(&mut self, level: u8) -> Result<(), Error> {
        self.step_up(level)
    }

    fn reauthenticate(&mut self) -> Result<(), Error> {
        self.reauthenticate()
    }

    fn label(&mut self, label: &str) {
        self.label(label);
    }

    fn devices(&self) -> BoxFuture<'_, Result<Value, Error>> {
        Box::pin(async {
            let Some(sessions) = self.of_user() else {
                return Ok(json!(null));
            };
            let page = sessions.list().await?;
            assert_eq!(sessions.count().await?, page.sessions.len() as u64);
            Ok(serde_json::to_value(page).unwrap())
        })
    }

    fn end(&self, id: SessionId) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move { self.of_user().unwrap().end(id).await })
    }

    fn end_others(&self) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(self.end_others())
    }

    fn end_all(&self) -> BoxFuture<'_, Result<usize, Error>> {
        Box::pin(async { self.of_user().unwrap().end_all().await })
    }

    fn still_alive(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.still_alive())
    }

    fn set_lifetime(&mut self, idle: Duration, absolute: Duration) -> Result<(), Error> {
        self.set_lifetime(idle, absolute)
    }

    fn save(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin((*self).save())
    }

    fn destroy(self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin((*self).destroy())
    }
}
