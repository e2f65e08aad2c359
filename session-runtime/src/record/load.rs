//! The request of a load.

use std::time::Duration;

use super::Transport;
use crate::data::DataFormat;
use crate::sid::SecretHash;

/// A request to load a record. It finds the record only if the secret and the transport match; then
/// it may also move the idle deadline and change the secrets.
#[derive(Debug, Clone, Copy)]
pub struct LoadRequest {
    /// The hash of the presented secret.
    pub secret: SecretHash,
    /// How the sid was presented.
    pub transport: Transport,
    /// The minimum time between two writes of the idle deadline. `None`, or a time that is not
    /// shorter than the record's idle time, stands for a tenth of the idle time.
    pub touch_every: Option<Duration>,
    /// The second secret to offer when one is due; `None` makes no offer.
    pub renewal: Option<Renewal>,
    /// The format of the data, to decode what another version of the program wrote, or what was sealed.
    pub format: DataFormat,
}

/// The offer of a second secret, made by a load that presented the current one.
///
/// The first load that presents an offered secret makes it the current one; the previous secret
/// stays valid for the grace period. An offered secret that was never used is replaced by the next
/// offer.
#[derive(Debug, Clone, Copy)]
pub struct Renewal {
    /// The minimum age of the current secret, and of an offer before, for an offer to be made.
    pub every: Duration,
    /// How long a secret stays valid after its successor was first used. The value of the load that
    /// first uses the successor applies; if that load has no renewal, the value of the offer.
    pub grace: Duration,
    /// The hash of the secret to offer.
    pub candidate: SecretHash,
}
