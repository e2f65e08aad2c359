//! Versions of data that contradict each other, or that have no effect.

use connect_session::store::BoxError;
use connect_session::{Fields, session_config};

const LATER: u64 = 3;

fn migrate(_: u32, _: &mut Fields) -> Result<(), BoxError> {
    Ok(())
}

fn wrong(_: u32) {}

session_config! {
    pub struct Shop {
        data_version: 0,
    }
}

session_config! {
    pub struct Blog {
        data_version: "2",
        migrate: migrate,
    }
}

session_config! {
    pub struct Forum {
        data_version: 2,
    }
}

session_config! {
    pub struct Chat {
        migrate: migrate,
    }
}

session_config! {
    pub struct Mail {
        data_version: 2,
        write_version: 3,
        migrate: migrate,
    }
}

session_config! {
    pub struct Wiki {
        data_version: 2,
        write_version: LATER,
        migrate: migrate,
    }
}

session_config! {
    pub struct News {
        data_version: 2,
        migrate: wrong,
    }
}

session_config! {
    pub struct Maps {
        data_version: 2,
        migrate: "migrate",
    }
}

session_config! {
    pub struct Jobs {
        on_undecodable: end,
    }
}

fn main() {}
