//! The cases, by what they are about.

mod commit;
mod cookies;
mod create_load;
mod data;
mod emission;
mod faults;
mod loaders;
mod tasks;
