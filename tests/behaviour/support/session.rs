//! Type-erased sessions, so that the script interpreter is compiled only once.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connect_session::{Error, Session, SessionConfig, SessionData, Sid};
use serde_json::Value;
use serde_json::value::RawValue;

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

impl<C: SessionConfig> AnySession for Session<C> {
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
