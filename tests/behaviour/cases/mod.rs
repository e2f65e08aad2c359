//! The cases, by what they are about.

mod cookies;
mod create_load;
mod data;
mod emission;
mod loaders;
