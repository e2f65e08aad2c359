//! Data with one, five and twenty fields: a counter, and strings of 200 bytes in total.

use serde::{Deserialize, Serialize};

/// The total length of a session's strings.
const TEXT: usize = 200;

macro_rules! fields {
    ($name:ident: $($field:ident)*) => {
        #[derive(Clone, Default, Serialize, Deserialize)]
        pub struct $name {
            pub visits: u64,
            $(pub $field: String,)*
        }

        impl $name {
            pub fn seed() -> Self {
                let texts = [$(stringify!($field)),*].len();
                Self {
                    visits: 0,
                    $($field: "x".repeat(TEXT / texts),)*
                }
            }
        }
    };
}

fields! { Five: a b c d }
fields! { Twenty: a b c d e f g h i j k l m n o p q r s }

/// Only the counter.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct One {
    pub visits: u64,
}

impl One {
    pub fn seed() -> Self {
        Self::default()
    }
}
