//! The cases, by what they are about.

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
mod processes;
mod secrets;
mod tasks;
