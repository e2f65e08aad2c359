//! Data of one field, of five and of twenty; beside the counter they are texts of 200 bytes in all.

use serde::{Deserialize, Serialize};

/// How long the texts of a session are together.
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

/// It has no place for a text.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct One {
    pub visits: u64,
}

impl One {
    pub fn seed() -> Self {
        Self::default()
    }
}
