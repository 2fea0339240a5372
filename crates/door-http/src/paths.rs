//! What a path may be. Nothing here touches a disk: tricks are refused all the same, so that no later handler meets one.

use hubbub_model::Kind;

use crate::reply::Problem;

/// Refuses what is not plainly a path: escapes of separators, NUL and controls, `.` and `..` in any dress.
pub(crate) fn check(path: &str) -> Result<(), Problem> {
    let odd = || Problem::new(Kind::Invalid, "the path is not one that a browser would send");
    if path.len() > PATH_BYTES_MAX || !path.starts_with('/') {
        return Err(odd());
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>().ok_or_else(odd)?;
        let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
        let byte =
            high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok()).ok_or_else(odd)?;
        // An escaped separator is one for some and none for others.
        if byte == b'/' {
            return Err(odd());
        }
        decoded.push(byte);
        rest = after;
    }
    let text = std::str::from_utf8(&decoded).map_err(|_| odd())?;
    let is_odd = |c: char| c.is_control() || c == '\\';
    if text.contains(is_odd) || text.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(odd());
    }
    Ok(())
}

const PATH_BYTES_MAX: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tricks_are_refused_and_names_are_not() {
        for good in [
            "/",
            "/rooms/lab",
            "/rooms/%E5%AE%9E%E9%AA%8C",
            "/a..b/...",
            "/api/v1/rooms/%40ada/messages",
            "/a%20b",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = format!("/{}", "a".repeat(PATH_BYTES_MAX));
        for bad in [
            "/../etc/passwd",
            "/assets/..",
            "/assets/%2e%2e/index.html",
            "/assets/.%2E/x",
            "/./x",
            "/a%00b",
            "/a\\..\\b",
            "/a%5c..%5cb",
            "/a%2fb",
            "/a%2Fb",
            "/a%0d%0ab",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "*",
            "",
            &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
