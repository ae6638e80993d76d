//! The style sheet, the script and the icon, which are embedded in the binary.

use axum::{
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/script.js");
const ICON: &str = include_str!("../assets/icon.svg");

pub(crate) async fn style(headers: HeaderMap) -> Response {
    file(STYLE, "text/css; charset=utf-8", &headers)
}

pub(crate) async fn script(headers: HeaderMap) -> Response {
    file(SCRIPT, "text/javascript; charset=utf-8", &headers)
}

pub(crate) async fn icon(headers: HeaderMap) -> Response {
    file(ICON, "image/svg+xml", &headers)
}

/// Returns a file. Browsers revalidate it each time, which costs an answer without a body; so after
/// an upgrade no browser shows new pages in an old style.
fn file(text: &'static str, kind: &'static str, headers: &HeaderMap) -> Response {
    let tag = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let tag: String = tag.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let head = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
    if known {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes that a page's style sheet and script may have together, before compression.
    const BYTES_MAX: usize = 60_000;

    #[test]
    fn style_and_script_stay_small() {
        let (style, script) = (STYLE.len(), SCRIPT.len());
        println!("style {style} bytes, script {script} bytes, {} in all", style + script);
        assert!(style + script < BYTES_MAX);
    }

    #[test]
    fn a_browser_that_has_the_file_gets_no_second_copy() {
        let first = file(SCRIPT, "text/javascript", &HeaderMap::new());
        let tag = first.headers()[ETAG].clone();
        let again = file(SCRIPT, "text/javascript", &HeaderMap::from_iter([(IF_NONE_MATCH, tag)]));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
