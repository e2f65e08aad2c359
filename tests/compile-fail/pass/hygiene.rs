//! Expanded code resolves its names, even if a module shadows them.

#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types)]

struct Option;
struct Result;
struct Some;
struct Ok;
struct Err;
struct String;
struct Send;
struct Default;
struct str;
struct bool;
struct u64;
mod core {}
mod std {}

::connect_session::session_config! {
    pub struct Shop {
        loaders: [header("X-User-Session"), cookie("__Host-sid", persistent)],
        idle_timeout: 10m,
        renew_every: 5m,
        max_size: 1KiB,
        emit: cookie,
        store: ::connect_session::store::MemoryStore<::connect_session::Untyped>,
    }
}

#[::connect_session::session(load, header = "X-Device-Session", emit = header)]
async fn one(session: ::connect_session::Session<Shop>) -> &'static ::core::primitive::str {
    let _ = session;
    "done"
}

#[::connect_session::session(create, http)]
async fn two(
    session: ::connect_session::Session<Shop>,
    request: ::http::Request<()>,
) -> ::http::Response<::std::string::String> {
    let _ = (session, request);
    ::http::Response::new(::std::string::String::new())
}

fn main() {}
