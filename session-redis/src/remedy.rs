//! Suggests a fix for a failure, from the text of the error.

use super::failure::Failure;

/// The text of a failure, with a suggested fix if there is a known one.
pub(super) fn with_remedy(failure: &Failure) -> String {
    let text = failure.to_string();
    let contains = |part: &str| text.contains(part);
    let remedy = if contains("WRONGPASS") {
        "the user name or the password is wrong"
    } else if contains("NOAUTH") {
        "it requires a password: add it to the URL, as in `redis://user:password@…`, or call \
         `credentials`"
    } else if contains("NOPERM") || contains("can't run this command") {
        "the user lacks a permission: the documentation of `RedisStore` lists what to grant"
    } else if contains("switch database") {
        "it has no database with that number: see `databases` in its config; a Cluster has only \
         database 0"
    } else if contains("SENTINEL") && contains("unknown command") {
        "it is not a sentinel"
    } else if contains("cluster support disabled") {
        "it is not part of a Cluster: use `url` with `redis://…`"
    } else if contains("LOADING") {
        "it is still loading its data: try again later"
    } else if contains("HELLO") || contains("RESP3") {
        "it is older than Redis 7.0, or not Redis"
    } else if contains("lookup address") {
        "there is no host with that name"
    } else if contains("refused (os") || contains("No such file") {
        "no server listens there: check that it is running, and the host and the port"
    } else if contains("CertificateRequired") {
        "it requires a client certificate: call `client_certificate`"
    } else if contains("certificate") {
        "if its certificate is signed by a private authority, pass that to `root_certificate`"
    } else if contains("Parse error")
        || contains("corrupt message")
        || contains("InvalidContentType")
    {
        "it is not Redis, or only one side uses TLS: with TLS the URL is `rediss://…`, without it \
         `redis://…`"
    } else if contains("timed out")
        || contains("did not answer")
        || contains("closed")
        || contains("reset")
        || contains("broken pipe")
    {
        "it cannot be reached, or only one side uses TLS: with TLS the URL is `rediss://…`, without \
         it `redis://…`"
    } else {
        return text;
    };
    format!("{text}: {remedy}")
}
