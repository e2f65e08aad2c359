//! Time limits.

use std::time::Duration;

/// The default time to wait for a connection or an answer.
pub(crate) const DEFAULT: Duration = Duration::from_secs(5);
