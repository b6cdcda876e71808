//! The tool against a real server: what it prints of a few viewers who lose nothing.

#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use rushes::demo::clip::{demo_clips, make};
use rushes::demo::picture::Size;
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

    /// A new source's id, its WHIP endpoint and the bearer for that.
    async fn source(&self) -> [String; 3] {
        let source = json!({ "name": "Load", "description": "", "project_id": self.project });
        let source = self.call("create/live/registration/whip", source).await;
        let text = |field: &str| source[field].as_str().unwrap().to_owned();
        [text("id"), self.whole(&text("url")), text("token")]
    }

    /// An address that is whole, or from the root on.
    fn whole(&self, url: &str) -> String {
        reqwest::Url::parse(&self.base).unwrap().join(url).unwrap().to_string()
    }

    /// The JPEG of what a source shows, if there is one yet.
    async fn picture(&self, id: &str) -> Option<Vec<u8>> {
        let details = self.call("get/live/details", json!({ "id": id })).await;
        let url = self.whole(details["additional_details"]["picture_url"].as_str()?);
        let response = reqwest::get(url).await.ok()?.error_for_status().ok()?;
        Some(response.bytes().await.ok()?.to_vec())
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
    let [id, whip, bearer] = api.source().await;
    let whep = format!("{}/live/whep/{id}", api.base);
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
async fn a_recording_is_filled_up_to_the_bit_rate_and_can_be_decoded() {
    let (_server, folder) = server().await;
    let api = Api::sign_in(&folder).await;
    let [id, whip, bearer] = api.source().await;
    let [mut spec, _] = demo_clips();
    (spec.frames, spec.size) = (50, Size::new(320, 180).unwrap());
    let clip = folder.data().join("clip.mp4");
    std::fs::write(&clip, make(&spec).unwrap()).unwrap();
    let publishing = tokio::spawn(async move {
        let publish = ["whip", "--url", &whip, "--bearer", &bearer, "--seconds", "6"];
        let file = ["--bitrate", "2000000", "--file", clip.to_str().unwrap()];
        run(&[&publish[..], &file[..]].concat()).await
    });
    let picture = loop {
        assert!(!publishing.is_finished(), "there was no picture");
        // There is none before the publisher is there, and no event by which a script would learn.
        if let Some(picture) = api.picture(&id).await {
            break picture;
        }
    };
    assert!(picture.starts_with(&[0xff, 0xd8]), "no JPEG");
    let report = publishing.await.unwrap();
    let (published, recording) = (&report["published"], &report["published"]["recording"]);
    assert_eq!(published["errors"], json!({}), "{report:#}");
    assert_eq!((&recording["seconds"], &recording["pictures"]), (&json!(2.0), &json!(50)));
    assert_eq!((&recording["sounds"], &recording["exceeds_bitrate"]), (&json!(100), &json!(false)));
    // However long it took: what was filled in is what the clip has not.
    let number = |of: &Value, field: &str| of[field].as_f64().unwrap();
    let (packets, bytes) = (number(published, "packets"), number(published, "bytes"));
    // Each packet has a tag of 16 bytes.
    let filled = number(recording, "filler_packets") * 1158.0 / (bytes - packets * 16.0);
    let wanted = 1.0 - number(recording, "mbit_per_second") / 2.0;
    assert!((filled - wanted).abs() < 0.05, "{filled} instead of {wanted}: {report:#}");
    // Six seconds are measured.
    assert!(bytes * 8.0 > 6.0 * 0.9 * 2e6, "{report:#}");
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
