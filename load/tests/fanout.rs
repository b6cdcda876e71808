//! The tool against a real server: what it prints of a few viewers who lose nothing.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use serde_json::{Value, json};

use server::{Folder, run, server};

mod server;

/// Runs `fanout` against a server of this process.
async fn fanout(more: &[&str]) -> Value {
    let (_server, folder) = server().await;
    let data = folder.data();
    let first = ["fanout", "--seconds", "1", "--rushes-data", data.to_str().unwrap()];
    run(&[&first[..], more].concat()).await
}

/// An engineer's own way to the endpoints: the public API.
struct Api {
    base: String,
    token: String,
    project: Value,
}

impl Api {
    async fn sign_in(folder: &Folder) -> Self {
        let read = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(folder.data().join(name)).unwrap()).unwrap()
        };
        let (runtime, admin) = (read("runtime.json"), read("admin.json"));
        let base = format!("http://{}", runtime["http"].as_str().unwrap());
        let mut this = Self { base, token: String::new(), project: Value::Null };
        let keys = json!({ "api_id": admin["api_id"], "api_key": admin["api_key"] });
        let signed = this.call("authenticate/api", keys).await;
        this.token = signed["token"].as_str().unwrap().to_owned();
        let group = json!({ "name": "Load", "company_id": admin["company_id"] });
        let group = this.call("create/group", group).await;
        let project = json!({ "name": "Load", "group_id": group["id"] });
        this.project = this.call("create/project", project).await["id"].clone();
        this
    }

    async fn call(&self, path: &str, parameters: Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}/{path}", self.base));
        let request = request.header("X-Token", &self.token).json(&parameters);
        let response = request.send().await.unwrap().error_for_status().unwrap();
        response.json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_viewers_lose_nothing_and_have_a_picture() {
    let report = fanout(&["--viewers", "3", "--sample", "2"]).await;
    let (joins, media) = (&report["joins"], &report["media"]);
    assert_eq!(joins["with_picture"], 3, "{report:#}");
    assert_eq!(joins["errors"], serde_json::json!({}), "{report:#}");
    assert!(joins["key_frame_whole_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert_eq!(media["lost_ever"], 0, "{report:#}");
    assert!(media["packets"].as_u64().unwrap() > 3 * 100, "{report:#}");
    // Of three viewers the first and the third are looked into, and every packet is known.
    assert_eq!(report["delay"]["sampled_viewers"], 2, "{report:#}");
    assert_eq!(report["delay"]["unmatched"], 0, "{report:#}");
    assert!(report["server"]["us_per_packet"].as_f64().is_some(), "{report:#}");
    assert_eq!(report["published"]["errors"], serde_json::json!({}), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_divided_among_the_streams() {
    let more = ["--streams", "2", "--viewers", "4", "--sample", "1", "--no-rtcp"];
    let report = fanout(&more).await;
    assert_eq!(report["streams"], 2);
    assert_eq!(report["joins"]["with_picture"], 4, "{report:#}");
    assert_eq!(report["delay"]["sampled_viewers"], 4, "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_publishes_and_another_watches_by_nothing_but_addresses_and_bearers() {
    let (_server, folder) = server().await;
    let api = Api::sign_in(&folder).await;
    let source = json!({ "name": "Load", "description": "", "project_id": api.project });
    let source = api.call("create/live/registration/whip", source).await;
    let text = |field: &str| source[field].as_str().unwrap().to_owned();
    // Whole, or from the root on.
    let whip = reqwest::Url::parse(&api.base).unwrap().join(&text("url")).unwrap().to_string();
    let bearer = text("token");
    let whep = format!("{}/live/whep/{}", api.base, text("id"));
    let publishing = tokio::spawn(async move {
        run(&["whip", "--url", &whip, "--bearer", &bearer, "--seconds", "10"]).await
    });
    let watched = loop {
        assert!(!publishing.is_finished(), "nobody could watch");
        let watch = ["whep", "--url", &whep, "--bearer", &api.token, "--viewers", "2"];
        let report = run(&[&watch[..], &["--seconds", "1", "--sample", "1"]].concat()).await;
        // There is no publisher yet, and no event by which a script would learn of one.
        if report["joins"]["with_picture"] == 2 {
            break report;
        }
    };
    assert_eq!(watched["mode"], "whep");
    assert_eq!((&watched["media"]["lost_ever"], &watched["published"]), (&json!(0), &Value::Null));
    assert!(watched["media"]["packets"].as_u64().unwrap() > 2 * 100, "{watched:#}");
    let published = publishing.await.unwrap();
    assert_eq!((&published["mode"], &published["joins"]), (&json!("whip"), &Value::Null));
    let (streams, errors) = (&published["published"]["streams"], &published["published"]["errors"]);
    assert_eq!((streams, errors), (&json!(1), &json!({})), "{published:#}");
    assert!(published["published"]["packets"].as_u64().unwrap() > 2_000, "{published:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_without_the_right_is_told_so() {
    let (_server, folder) = server().await;
    let api = Api::sign_in(&folder).await;
    let whep = format!("{}/live/whep/{}", api.base, "no-such-stream");
    let report = run(&["whep", "--url", &whep, "--bearer", "wrong", "--seconds", "1"]).await;
    assert_eq!(report["joins"]["with_picture"], 0, "{report:#}");
    let errors = report["joins"]["errors"].as_object().unwrap();
    assert!(errors.keys().any(|error| error.contains("401")), "{report:#}");
}
