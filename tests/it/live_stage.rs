//! A server with a production and a live registration, for the tests of what is live.

use reqwest::{RequestBuilder, Response, StatusCode, header};
use rushes::{
    config::{Config, Limits},
    ids::ProjectId,
    provision,
    rpc::Rate,
    time::Millis,
};
use serde_json::{Value, json};

use crate::harness::{Person, Rushes};

pub(crate) const OBS: &str = include_str!("../../media/tests/sdp/obs-whip-offer.sdp");
pub(crate) const VIEWER: &str = include_str!("../../media/tests/sdp/gst-whep-whep-offer.sdp");
pub(crate) const WAIT: &str = "wait-for-publisher";
pub(crate) const SDP: &str = "application/sdp";

/// A server with a production, its administrator, and a registration.
pub(crate) struct Stage {
    pub(crate) rushes: Rushes,
    pub(crate) admin: Person,
    pub(crate) project: ProjectId,
    pub(crate) registration: String,
    /// The path of the registration's address.
    pub(crate) path: String,
    pub(crate) token: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A stage on a server that is configured in its own way.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let rate = Rate { per_second: 1e9, burst: 1e9 };
        let rushes = Rushes::start_with(|config| {
            config.limits = Limits { user: rate, address: rate, ..config.limits };
            change(config);
        })
        .await;
        let admin = rushes.person("producer").await;
        let ask = |path: &'static str, body: Value| {
            let (rushes, token) = (&rushes, admin.token.clone());
            async move {
                let (status, answer) = rushes.post(path, Some(&token), &body).await;
                assert_eq!(status, StatusCode::OK, "{path}: {answer}");
                answer
            }
        };
        let companies = ask("/get/companies", json!({})).await;
        let company = &companies[0]["id"];
        let group = ask("/create/group", json!({ "company_id": company, "name": "Show" })).await;
        let project = json!({ "group_id": group["id"], "name": "Day 1" });
        let project = ask("/create/project", project).await;
        let new = json!({ "project_id": project["id"], "name": "OBS", "description": "" });
        let made = ask("/create/live/registration/whip", new).await;
        let url = made["url"].as_str().unwrap();
        let path = url.strip_prefix(&rushes.url("")).unwrap().to_owned();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            project: text(&project["id"]).parse().unwrap(),
            registration: text(&made["id"]),
            token: text(&made["token"]),
            path,
            admin,
            rushes,
        }
    }

    pub(crate) async fn offer(
        &self,
        path: &str,
        bearer: Option<&str>,
        kind: &str,
        body: String,
    ) -> Response {
        let mut request = self.rushes.client.post(self.rushes.url(path));
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        request.header(header::CONTENT_TYPE, kind).body(body).send().await.unwrap()
    }

    /// Offers to view, with a session that waits until the publisher is connected. None of those
    /// that only offer ever is.
    pub(crate) async fn awaits(
        &self,
        path: &str,
        bearer: &str,
        offer: impl Into<String>,
    ) -> Response {
        let request = self.request("POST", path).bearer_auth(bearer);
        let request = request.header(header::CONTENT_TYPE, SDP).header("prefer", WAIT);
        request.body(offer.into()).send().await.unwrap()
    }

    /// A refusal: its status and its reason.
    pub(crate) async fn refused(
        &self,
        path: &str,
        bearer: Option<&str>,
        kind: &str,
        body: String,
    ) -> (u16, String) {
        let response = self.offer(path, bearer, kind, body).await;
        let status = response.status().as_u16();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/problem+json");
        let text = response.text().await.unwrap();
        for secret in [&self.token, &self.admin.token] {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
        let body: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(body["status"], status);
        (status, body["detail"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn publish(&self) -> Response {
        let response = self.offer(&self.path, Some(&self.token), SDP, OBS.to_owned()).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response
    }

    pub(crate) async fn ask(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.rushes.post(path, Some(&self.admin.token), &body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    pub(crate) async fn details(&self) -> Value {
        self.ask("/get/live/details", json!({ "id": self.registration })).await
    }

    /// Somebody with a security group in the folder.
    pub(crate) async fn member(&self, name: &str, group: i64) -> Person {
        let person = self.rushes.person(name).await;
        let mut tx = self.rushes.app().store.write().await.unwrap();
        let now = Millis::now();
        provision::add_project_member(&mut tx, self.project, person.id, group, now).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// A request of any method.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        self.rushes.client.request(method, self.rushes.url(path))
    }

    /// The path and the entity tag of a new session of the publisher.
    pub(crate) async fn session(&self) -> (String, String) {
        let response = self.publish().await;
        (header_of(&response, "location"), header_of(&response, "etag"))
    }

    /// The path that the registration is viewed at.
    pub(crate) fn viewing(&self) -> String {
        watch(&self.registration)
    }
}

pub(crate) fn watch(id: &str) -> String {
    format!("/live/whep/{id}")
}

/// A header that has to be there.
pub(crate) fn header_of(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.unwrap_or_else(|| panic!("no {name}: {response:?}")).to_str().unwrap().to_owned()
}

/// The values of a header that may stand there several times.
pub(crate) fn headers_of(response: &Response, name: &str) -> Vec<String> {
    let all = response.headers().get_all(name).iter();
    all.map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// A refusal: its status and the reason that its problem body (RFC 9457) gives.
pub(crate) async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    assert_eq!(header_of(&response, "content-type"), "application/problem+json");
    assert_eq!(header_of(&response, "cache-control"), "no-store");
    // A page of another origin can read why, and when to come again.
    assert_eq!(header_of(&response, "access-control-allow-origin"), "*");
    assert!(header_of(&response, "access-control-expose-headers").contains("retry-after"));
    if matches!(status, 409 | 429 | 503) {
        let after: u32 = header_of(&response, "retry-after").parse().unwrap();
        assert!(after > 0);
    }
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    (status, body["detail"].as_str().unwrap().to_owned())
}
