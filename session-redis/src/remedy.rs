//! What the operator of the program can do about a failure.

use super::failure::Failure;

/// A failure, and what to do about it.
pub(super) fn with_remedy(failure: &Failure) -> String {
    let text = failure.to_string();
    let says = |part: &str| text.contains(part);
    let remedy = if says("WRONGPASS") {
        "the user name or the password is wrong"
    } else if says("NOAUTH") {
        "it asks for a password: say it in the URL, as in `redis://user:password@…`, or by \
         `credentials`"
    } else if says("NOPERM") || says("can't run this command") {
        "the user may not do what a store does: the documentation of `RedisStore` says what to grant"
    } else if says("switch database") {
        "there is no database of that number: `databases` in its configuration says how many it has, \
         and a Cluster has only 0"
    } else if says("SENTINEL") && says("unknown command") {
        "it is no sentinel"
    } else if says("cluster support disabled") {
        "it belongs to no Cluster: name it by `url`, as `redis://…`"
    } else if says("LOADING") {
        "it is still reading its data: try again"
    } else if says("HELLO") || says("RESP3") {
        "it is older than Redis 7.0, or no Redis"
    } else if says("lookup address") {
        "there is no host of that name"
    } else if says("refused (os") || says("No such file") {
        "nobody listens there: is it running, and are the host and the port right?"
    } else if says("CertificateRequired") {
        "it asks for a certificate of the client's: say it by `client_certificate`"
    } else if says("certificate") {
        "if its certificate is signed by an authority of your own, name that by `root_certificate`"
    } else if says("Parse error") || says("corrupt message") || says("InvalidContentType") {
        "what answers there is no Redis, or one that does, or does not, speak TLS: with TLS the URL \
         is `rediss://…`"
    } else if says("timed out")
        || says("did not answer")
        || says("closed")
        || says("reset")
        || says("broken pipe")
    {
        "it cannot be reached from here, or it does, or does not, speak TLS: with TLS the URL is \
         `rediss://…`"
    } else {
        return text;
    };
    format!("{text}: {remedy}")
}
