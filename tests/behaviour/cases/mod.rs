//! The cases, by what they are about.

mod create_load;
