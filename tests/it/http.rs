//! HTTP: bodies, envelopes, queries, tokens, limits, and what every answer carries.

use reqwest::{Method, StatusCode, header};
use rushes::rpc::Rate;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{Rushes, code};

#[tokio::test]
async fn ping_answers_with_every_field_of_the_contract() {
    let rushes = Rushes::start().await;
    let (status, pong) = rushes.post("/ping", None, &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&pong["pong"], &pong["ip"]), (&json!(true), &json!("127.0.0.1")));
    let mut keys: Vec<_> = pong.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let mut fields: Vec<_> =
        rushes::contract::find("/ping").unwrap().response.iter().map(|field| field.name).collect();
    fields.sort_unstable();
    assert_eq!(keys, fields);
}

#[tokio::test]
async fn the_status_is_good_until_the_server_goes_down() {
    let rushes = Rushes::start().await;
    let ask = async || rushes.post("/server-status", None, &json!({})).await.1;
    assert_eq!(ask().await, json!({"ok": true, "status_error": null}));
    rushes.app().draining.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(ask().await, json!({"ok": false, "status_error": "shutting down"}));
}

#[tokio::test]
async fn a_token_comes_in_a_header_or_in_the_envelope_and_has_to_be_good() {
    let rushes = Rushes::start().await;
    let person = rushes.person("tokens").await;
    // Not built and needs a token: 501 says that the token was taken.
    let path = "/get/activity";
    let (status, answer) = rushes.post(path, None, &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
    let (status, answer) = rushes.post(path, Some(&"A".repeat(64)), &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::UNAUTHORIZED, 405));
    let (status, answer) = rushes.post(path, Some(&person.token), &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::NOT_IMPLEMENTED, 501));
    let bearer = rushes.client.post(rushes.url(path)).bearer_auth(person.token.to_lowercase());
    assert_eq!(bearer.send().await.unwrap().status(), StatusCode::NOT_IMPLEMENTED);
    let wrapped = json!({"data": {}, "token": person.token, "request_id": "r1"});
    let (status, answer) = rushes.post(path, None, &wrapped).await;
    assert_eq!((status, code(&answer)), (StatusCode::NOT_IMPLEMENTED, 501));
    assert_eq!(answer["request_id"], "r1");
    let cookie =
        rushes.client.post(rushes.url(path)).header("Cookie", format!("token={}", person.token));
    assert_eq!(cookie.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_envelope_is_answered_in_one() {
    let rushes = Rushes::start().await;
    let (_, answer) = rushes.post("/ping", None, &json!({"data": {}, "request_id": 9})).await;
    assert_eq!((&answer["request_id"], &answer["data"]["pong"]), (&json!(9), &json!(true)));
    // A key that no envelope has: these are parameters, one of which happens to be `data`.
    let (_, answer) = rushes.post("/ping", None, &json!({"data": {}, "other": 1})).await;
    assert_eq!(answer["pong"], true);
}

#[tokio::test]
async fn unknown_paths_bad_bodies_and_odd_methods_are_refused() {
    let rushes = Rushes::start().await;
    let (status, answer) = rushes.post("/no/such/path", None, &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, 400));
    let get = rushes.client.get(rushes.url("/no/such/path")).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::BAD_REQUEST);
    for body in ["{", "nonsense", "{\"a\":1}x", "\u{0}"] {
        let response = rushes.client.post(rushes.url("/ping")).body(body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(code(&response.json::<Value>().await.unwrap()), 603, "{body}");
    }
    let (_, answer) = rushes.post("/ping", None, &json!([1])).await;
    assert_eq!(code(&answer), 407);
    let put = rushes.client.put(rushes.url("/ping")).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let rushes = Rushes::start().await;
    let url = rushes.url("/ping");
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let announced = rushes.client.post(&url).body(body.clone()).send().await.unwrap();
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunks =
        body.into_bytes().chunks(65536).map(|chunk| Ok(chunk.to_vec())).collect::<Vec<_>>();
    let stream = futures_util::stream::iter(
        chunks.into_iter().map(|chunk: Result<_, std::io::Error>| chunk),
    );
    let streamed =
        rushes.client.post(&url).body(reqwest::Body::wrap_stream(stream)).send().await.unwrap();
    assert_eq!(streamed.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024 - 8));
    assert_eq!(rushes.client.post(&url).body(fits).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn errors_name_every_field() {
    let rushes = Rushes::start().await;
    let (status, answer) = rushes.post("/authenticate/api", None, &json!({"api_key": 5})).await;
    if code(&answer) == 501 {
        return;
    }
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let fields = answer["error"]["fields"].as_array().unwrap();
    let codes: Vec<_> = fields.iter().map(|field| (&field["name"], &field["code"])).collect();
    assert_eq!(codes, [(&json!("api_id"), &json!(600)), (&json!("api_key"), &json!(407))]);
}

#[tokio::test]
async fn answers_carry_security_headers_and_let_other_origins_in_without_credentials() {
    let rushes = Rushes::start().await;
    let page = rushes.client.get(rushes.url("/")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'self'") && policy.contains("media-src 'self' blob:"),
        "{policy}"
    );
    assert_eq!(page.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(!page.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    let preflight = rushes
        .client
        .request(Method::OPTIONS, rushes.url("/get/group"))
        .header(header::ORIGIN, "https://elsewhere.test")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "x-token")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(!preflight.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let allowed = preflight.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(allowed.contains("X-Token"));
    let (a, b) =
        (page.headers()["x-request-id"].clone(), preflight.headers()["x-request-id"].clone());
    assert_ne!(a, b);
}

#[tokio::test]
async fn one_who_asks_too_fast_is_told_when_to_come_back() {
    let rushes = Rushes::start_with(|config| {
        config.limits.user = Rate { per_second: 0.001, burst: 3.0 };
        config.limits.address = Rate { per_second: 0.001, burst: 2.0 };
    })
    .await;
    let person = rushes.person("fast").await;
    for _ in 0..3 {
        assert_eq!(rushes.post("/ping", Some(&person.token), &json!({})).await.0, StatusCode::OK);
    }
    let (status, answer) = rushes.post("/ping", Some(&person.token), &json!({})).await;
    assert_eq!((status, code(&answer)), (StatusCode::TOO_MANY_REQUESTS, 900));
    for _ in 0..2 {
        assert_eq!(rushes.post("/ping", None, &json!({})).await.0, StatusCode::OK);
    }
    let refused = rushes.client.post(rushes.url("/ping")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let after: u64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((900..=1000).contains(&after), "{after}");
    assert_eq!(code(&refused.json::<Value>().await.unwrap()), 423);
}

#[tokio::test]
async fn health_and_metrics_tell_how_it_goes() {
    let rushes = Rushes::start().await;
    let health: Value =
        rushes.client.get(rushes.url("/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["ok"], &health["database"]), (&json!(true), &json!(true)));
    rushes.post("/no/such/path", None, &json!({})).await;
    let metrics =
        rushes.client.get(rushes.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("rushes_http_requests_total{status=\"4xx\"} 1\n"), "{metrics}");
    for gauge in ["rushes_rooms_open", "rushes_streams_live", "rushes_viewers"] {
        assert!(metrics.contains(&format!("\n{gauge} 0\n")), "{metrics}");
    }
}

#[tokio::test]
async fn a_server_without_its_media_thread_is_not_healthy() {
    let rushes = Rushes::start().await;
    let ask = async || rushes.client.get(rushes.url("/health")).send().await.unwrap();
    assert_eq!(ask().await.status(), StatusCode::OK);
    rushes.app().media.shutdown().await;
    while rushes.app().media.is_running() {
        tokio::task::yield_now().await;
    }
    let answer = ask().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let health: Value = answer.json().await.unwrap();
    assert_eq!((&health["ok"], &health["media"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_server_without_a_port_of_its_sources_is_not_healthy() {
    let rushes = Rushes::start().await;
    let srt = rushes.app().srt.get().unwrap();
    srt.shutdown().await;
    while srt.is_running() {
        tokio::task::yield_now().await;
    }
    let answer = rushes.client.get(rushes.url("/health")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn runtime_json_is_there_while_the_server_is() {
    let rushes = Rushes::start().await;
    let file = rushes.folder.path().join("data/runtime.json");
    let runtime: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(runtime["http"], json!(rushes.server.address()));
    assert_eq!(runtime["pid"], std::process::id());
    let Rushes { server, client, folder } = rushes;
    let address = server.address();
    server.shutdown().await.unwrap();
    assert!(!file.exists());
    assert!(client.get(format!("http://{address}/health")).send().await.is_err());
    drop(folder);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_order_when_the_server_ends() {
    let rushes = Rushes::start().await;
    let mut idle = tokio::net::TcpStream::connect(rushes.server.address()).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: rushes.test\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let Rushes { server, folder, .. } = rushes;
    server.shutdown().await.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"}"), "the answer was whole");
    drop(folder);
}
