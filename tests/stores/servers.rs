//! Where the servers are: `scripts/test` starts them, and says so in the environment.

/// The URL in a variable of the environment. A test that needs one is ignored unless it is asked
/// for; asked for without a server it fails, because what was not tried has not passed.
#[track_caller]
pub fn url(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("`{variable}` names no server: run `scripts/test`"))
}

pub mod process;
pub mod proxy;
