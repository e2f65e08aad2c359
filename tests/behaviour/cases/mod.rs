//! The cases, by what they are about.

mod caching;
mod clients;
mod commit;
mod cookies;
mod create_load;
mod data;
mod deadlines;
mod emission;
mod endings;
mod faults;
mod loaders;
mod many;
mod mixed;
mod places;
mod processes;
mod real_time;
mod secrets;
mod silence;
mod tasks;
mod wire;
