//! The cases, one module per topic.

mod ambiguous;
mod caching;
mod clients;
mod commit;
mod concurrency;
mod cookies;
mod create_load;
mod data;
mod deadlines;
mod emission;
mod endings;
mod faults;
mod lazy;
mod limits;
mod loaders;
mod long_lived;
mod mixed;
mod origins;
mod processes;
mod real_time;
mod secrecy;
mod secrets;
mod sid_locations;
mod tasks;
mod users;
mod wire;
