//! Headers of every answer, and what a request's headers say about where it comes from.
//!
//! **Invariant.** No answer leaves without these, whoever made it. Nothing inline runs, nothing is framed, nothing is
//! loaded from elsewhere.

use hyper::{
    HeaderMap, Uri,
    header::{self, HeaderName, HeaderValue},
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
media-src 'self' blob:; font-src 'none'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Adds what every answer has. What is not said to be kept is kept by nobody.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// What a request says about the page that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// Our own page, or the person's own address bar.
    Here,
    /// Somebody else's page.
    Elsewhere,
    /// It is not a browser's, or an old one's.
    Unsaid,
}

impl From {
    /// Reads `Sec-Fetch-Site` (Fetch Metadata), else `Origin` (RFC 6454 section 7). Several values prove nothing.
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        if let Some(site) = headers.get("sec-fetch-site") {
            let is_own = matches!(site.as_bytes(), b"same-origin" | b"none");
            // Where both are there, both must say so: a socket's handshake has both.
            let agrees = headers.get(header::ORIGIN).is_none_or(|origin| is_ours(origin, headers, uri));
            return if is_own && agrees { Self::Here } else { Self::Elsewhere };
        }
        match headers.get(header::ORIGIN) {
            Some(origin) if is_ours(origin, headers, uri) => Self::Here,
            Some(_) => Self::Elsewhere,
            None => Self::Unsaid,
        }
    }
}

/// Whether the origin has the host and port that the request was sent to. Its scheme is not looked at: a proxy in
/// front may have taken TLS off.
fn is_ours(origin: &HeaderValue, headers: &HeaderMap, uri: &Uri) -> bool {
    let Some(host) = host(headers, uri) else { return false };
    let Ok(origin) = origin.to_str() else { return false };
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    bare(authority) == bare(host)
}

/// Where the request was sent to: `:authority` of HTTP/2, else `Host`.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    uri.authority()
        .map(hyper::http::uri::Authority::as_str)
        .or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_here() {
        for (host, origin, site, wanted) in [
            ("hub.lab:7272", Some("http://hub.lab:7272"), None, From::Here),
            ("HUB.lab:7272", Some("https://hub.LAB:7272"), None, From::Here),
            ("hub.lab", Some("http://hub.lab:80"), None, From::Here),
            ("hub.lab:443", Some("https://hub.lab"), None, From::Here),
            ("hub.lab:7272", None, Some("same-origin"), From::Here),
            ("hub.lab:7272", None, Some("none"), From::Here),
            ("hub.lab:7272", None, None, From::Unsaid),
            ("hub.lab:7272", Some("http://hub.lab:7273"), None, From::Elsewhere),
            ("hub.lab:7272", Some("http://evil.example"), None, From::Elsewhere),
            ("hub.lab:7272", Some("http://hub.lab:7272.evil.example"), None, From::Elsewhere),
            ("hub.lab:7272", Some("null"), None, From::Elsewhere),
            ("hub.lab:7272", Some("file://hub.lab:7272"), None, From::Elsewhere),
            ("hub.lab:7272", None, Some("same-site"), From::Elsewhere),
            ("hub.lab:7272", None, Some("cross-site"), From::Elsewhere),
            ("hub.lab:7272", Some("http://evil.example"), Some("same-origin"), From::Elsewhere),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            origin.map(|origin| headers.insert(header::ORIGIN, HeaderValue::from_static(origin)));
            site.map(|site| headers.insert("sec-fetch-site", HeaderValue::from_static(site)));
            assert_eq!(From::of(&headers, &Uri::from_static("/")), wanted, "{host} {origin:?} {site:?}");
        }
    }
}
