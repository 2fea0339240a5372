//! The web client's files, out of the program itself.
//!
//! **Invariant.** Each answer carries a strong tag of its very bytes, so that a browser asks again and is told in one
//! line that nothing changed. Only a path that names its content's hash (`?h=HASH`) is kept without asking.

use crate::reply::Problem;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hubbub_model::Kind;
use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{self, HeaderValue},
};

/// A file of the client.
struct File {
    path: &'static str,
    kind: &'static str,
    /// Of the plain bytes.
    hash: &'static str,
    plain: &'static [u8],
    /// Absent where it would not be smaller.
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Paths that the client itself gives a meaning to: all are its one page.
const PAGES: &[&str] = &["/rooms/", "/directs/", "/admin/"];
const PAGES_ALONE: &[&str] =
    &["/", "/setup", "/enter", "/invite", "/signin", "/settings", "/admin", "/search", "/rooms", "/directs"];

/// Answers whatever is not the API's.
pub(crate) fn answer(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(file) = find(uri.path()) else {
        return Problem::new(Kind::NotFound, "there is nothing here").into_response();
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let refused = Problem::new(Kind::Unsupported, "this can only be read");
        let mut response = refused.with_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let gzip = file.gzip.filter(|_| takes_gzip(headers));
    let tag = format!("\"{}{}\"", file.hash, if gzip.is_some() { "-gz" } else { "" });
    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, &tag));
    let bytes = gzip.unwrap_or(file.plain);
    let mut response = if is_known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if *method == Method::HEAD {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        response
    } else {
        Response::new(Body::from(Bytes::from_static(bytes)))
    };
    let is_pinned = uri.query().and_then(|query| query.strip_prefix("h=")) == Some(file.hash);
    let caching = if is_pinned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
        if gzip.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    response
}

fn find(path: &str) -> Option<&'static File> {
    let is_page = PAGES_ALONE.contains(&path) || PAGES.iter().any(|page| path.starts_with(page));
    let path = if is_page { "/index.html" } else { path };
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| FILES.get(at))
}

/// RFC 9110 section 12.5.3: named and not refused with a weight of 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let offers = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|offers| offers.split(',')).any(|offer| {
        let (coding, weight) = offer.split_once(';').unwrap_or((offer, ""));
        let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        coding.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// RFC 9110 section 13.1.2: compared weakly, `*` is any.
fn names(tags: &HeaderValue, tag: &str) -> bool {
    tags.to_str().is_ok_and(|tags| {
        tags.split(',')
            .map(str::trim)
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, pairs: &[(&'static str, &str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        answer(&Method::GET, &path.parse().unwrap(), &headers)
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn the_table_can_be_searched_and_each_hash_is_of_its_bytes() {
        use sha2::{Digest, Sha256};
        assert!(FILES.is_sorted_by_key(|file| file.path));
        for file in FILES {
            let hash: String =
                Sha256::digest(file.plain).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, file.hash, "{}", file.path);
        }
    }

    #[test]
    fn every_page_of_the_client_is_its_one_page() {
        let page = header(&get("/", &[]), "etag").to_owned();
        for path in [
            "/rooms/lab",
            "/rooms/lab/17",
            "/directs/ada",
            "/setup",
            "/signin",
            "/admin/accounts",
            "/search?q=x",
        ] {
            let response = get(path, &[]);
            assert_eq!(
                (response.status(), header(&response, "etag")),
                (StatusCode::OK, page.as_str()),
                "{path}"
            );
            assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
            assert_eq!(header(&response, "cache-control"), "no-cache");
        }
        assert_eq!(get("/nothing", &[]).status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/assets/../index.html", &[]).status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let tag = header(&get("/", &[]), "etag").to_owned();
        for tags in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
            let response = get("/", &[("if-none-match", &tags)]);
            assert_eq!(
                (response.status(), header(&response, "etag")),
                (StatusCode::NOT_MODIFIED, tag.as_str()),
                "{tags}"
            );
        }
        assert_eq!(get("/", &[("if-none-match", "\"other\"")]).status(), StatusCode::OK);
    }

    #[test]
    fn compressed_bytes_have_a_tag_of_their_own() {
        let (plain, small) = (get("/", &[]), get("/", &[("accept-encoding", "br, gzip;q=0.5")]));
        assert_eq!(header(&small, "content-encoding"), "gzip");
        assert_ne!(header(&plain, "etag"), header(&small, "etag"));
        for refused in ["", "br", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert_eq!(
                header(&get("/", &[("accept-encoding", refused)]), "content-encoding"),
                "",
                "{refused}"
            );
        }
    }

    #[test]
    fn a_path_that_names_its_hash_is_kept() {
        let tag = header(&get("/", &[]), "etag").trim_matches('"').to_owned();
        assert!(header(&get(&format!("/?h={tag}"), &[]), "cache-control").contains("immutable"));
        assert_eq!(header(&get("/?h=other", &[]), "cache-control"), "no-cache");
    }

    #[test]
    fn files_are_only_read() {
        let response = answer(&Method::POST, &Uri::from_static("/"), &HeaderMap::new());
        assert_eq!(
            (response.status(), header(&response, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
        let head = answer(&Method::HEAD, &Uri::from_static("/"), &HeaderMap::new());
        assert_ne!(header(&head, "content-length"), "0");
    }
}
