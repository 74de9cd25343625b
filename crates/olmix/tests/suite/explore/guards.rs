//! Who is answered: only those who know the token, ask this address and do not come from another page.

use serde_json::{Value, json};

use super::{Page, fitted};

#[test]
fn nothing_is_answered_without_the_token() {
    let page = Page::open(fitted(), "out");
    let host = format!("Host: 127.0.0.1:{}\r\nConnection: close\r\n", page.port);
    let other = format!("{}0", &page.token[..31]);
    let longer = format!("{}0", page.token);
    for path in [
        "/",
        "/api/model",
        "//api/model",
        &format!("/{other}x/"),
        &format!("/{longer}/"),
        &format!("/{}/", &page.token[..31]),
    ] {
        let answer = page.raw(&format!("GET {path} HTTP/1.1\r\n{host}\r\n"));
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    assert_eq!(page.token.len(), 32);
    assert!(page.token.chars().all(|c| c.is_ascii_hexdigit()));
    let again = Page::open(fitted(), "out");
    assert_ne!(page.token, again.token);
    // The address without its slash leads to the page.
    let moved = page.raw(&format!("GET /{} HTTP/1.1\r\n{host}\r\n", page.token));
    assert_eq!(moved.status, 308);
    assert_eq!(page.ask("GET", "api/none", "", "").status, 404);
}

#[test]
fn a_request_for_another_host_or_from_another_page_is_refused() {
    let page = Page::open(fitted(), "out");
    let (port, token) = (page.port, &page.token);
    let ask = |headers: &str| {
        page.raw(&format!(
            "GET /{token}/api/model HTTP/1.1\r\nConnection: close\r\n{headers}\r\n"
        ))
        .status
    };
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    assert_eq!(ask(&own), 200);
    assert_eq!(ask(&format!("Host: localhost:{port}\r\n")), 200);
    assert_eq!(
        ask(&format!("{own}Origin: http://127.0.0.1:{port}\r\n")),
        200
    );
    assert_eq!(ask(&format!("{own}Sec-Fetch-Site: same-origin\r\n")), 200);
    for other in [
        "Host: example.org\r\n".to_owned(),
        format!("Host: example.org:{port}\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        format!("Host: 127.0.0.1:{port}.example.org\r\n"),
        format!("{own}Host: example.org\r\n"),
        format!("{own}Origin: http://example.org\r\n"),
        format!("{own}Origin: null\r\n"),
        format!("{own}Origin: https://127.0.0.1:{port}\r\n"),
        format!("{own}Origin: http://127.0.0.1:1\r\n"),
        format!("{own}Origin: http://localhost:{port}\r\n"),
        format!("{own}Sec-Fetch-Site: cross-site\r\n"),
    ] {
        let status = ask(&other);
        assert!(matches!(status, 400 | 403), "{other}: {status}");
    }
}

#[test]
fn every_answer_forbids_what_a_page_does_not_need() {
    let page = Page::open(fitted(), "out");
    for path in [
        "",
        "explore.js",
        "explore.css",
        "fonts.css",
        "api/swarm",
        "api/model",
        "api/none",
    ] {
        let head = page.ask("GET", path, "", "").head;
        for part in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(head.contains(part), "{path}: {head}");
        }
        assert!(!head.contains("access-control"), "{path}: {head}");
        assert!(!head.contains("unsafe"), "{path}: {head}");
    }
}

#[test]
fn requests_that_are_no_settings_are_refused_each_with_a_message() {
    let page = Page::open(fitted(), "out");
    let json = "Content-Type: application/json\r\n";
    for (headers, body, status) in [
        ("", "{}", 415),
        ("Content-Type: text/plain\r\n", "{}", 415),
        (json, "{", 422),
        (json, "[]", 422),
        (json, "\u{0}", 422),
        (json, "{\"kl\": 1e999}", 422),
    ] {
        let answer = page.ask("POST", "api/solve", headers, body);
        assert_eq!(answer.status, status, "{body:?}: {}", answer.body);
        assert!(
            answer.json()["error"]["message"].is_string(),
            "{}",
            answer.body
        );
    }
    let large = json!({"kl": 0.05, "bounds": {"x".repeat(1 << 20): [0, 1]}}).to_string();
    assert_eq!(page.ask("POST", "api/solve", json, &large).status, 413);
    assert_eq!(page.ask("GET", "api/solve", "", "").status, 405);
    // The server goes on.
    let settings: Value = page.settings();
    page.post("api/solve", &settings);
}
