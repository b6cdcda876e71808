//! What is measured of a source and of those who watch it is told wherever it is asked for, and what
//! becomes of it as it happens.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};

use crate::browser::{Browser, Kind};
use crate::ffmpeg::{Ffmpeg, Version};
use crate::peer::Error;
use crate::publish::{PICTURE_TIMEOUT, watch};
use crate::server::Server;
use crate::simulcast::{LAYERS, TRIED};

/// How often figures are asked for: they are told to who asks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whether a number is there and within these bounds.
fn within(value: &Value, least: f64, most: f64) -> bool {
    value.as_f64().is_some_and(|value| (least..=most).contains(&value))
}

/// Whether these are the figures of what ffmpeg sends, of which the kernel lost so many packets.
fn are_right(told: &Value, lost: f64) -> bool {
    let (video, audio) = (&told["video"], &told["audio"]);
    video["codec"] == "H264"
        && video["width"] == 640
        && video["height"] == 360
        && within(&video["fps"], 22.0, 28.0)
        && within(&video["keyframe_interval"], 0.8, 1.2)
        && audio["codec"] == "opus"
        && audio["channels"] == 2
        && told["viewers"] == 1
        && [video, audio].into_iter().all(|track| {
            within(&track["bitrate"], 1_000.0, 20e6)
                && within(&track["jitter"], f64::MIN_POSITIVE, 200.0)
                && within(&track["lost"], 0.0, lost)
        })
}

/// Whether these are the figures of one viewer on this machine.
fn is_a_viewer(told: &Value) -> bool {
    let Some([viewer]) = told.as_array().map(Vec::as_slice) else { return false };
    // A round trip within the machine may be shorter than what the reports can say of it.
    within(&viewer["rtt"], 0.0, 500.0)
        && within(&viewer["jitter"], 0.0, 500.0)
        && within(&viewer["loss"], 0.0, 0.0)
        && within(&viewer["packets"], 1.0, 1e9)
        && viewer["transport"] == "udp"
}

/// Asks until the answer has what is looked for, which is picked out of it.
async fn told(
    server: &Server,
    (path, parameters): (&str, Value),
    pick: impl Fn(&Value) -> Value,
    right: impl Fn(&Value) -> bool,
) -> Result<(), Error> {
    let mut last = Value::Null;
    let asked = async {
        loop {
            last = pick(&server.api().call(path, parameters.clone()).await?);
            if right(&last) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let asked = tokio::time::timeout(PICTURE_TIMEOUT, asked).await;
    asked.unwrap_or_else(|_| Err(format!("{path} tells {last:#}").into()))
}

/// What `/metrics` says of a stream: the line that begins so.
fn figure(metrics: &str, name: &str, labels: &str) -> Option<f64> {
    let series = format!("{name}{{{labels}}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}

/// Asks for `/metrics` until all figures of a stream are there and within their bounds.
async fn measured(server: &Server, stream: &str, lost: f64) -> Result<(), Error> {
    let of = |track: &str, codec: &str| {
        format!("stream=\"{stream}\",track=\"{track}\",codec=\"{codec}\"")
    };
    let wanted = [
        ("rushes_stream_viewers", 1.0, 1.0),
        ("rushes_stream_video_width_pixels", 640.0, 640.0),
        ("rushes_stream_video_height_pixels", 360.0, 360.0),
        ("rushes_stream_video_frames_per_second", 22.0, 28.0),
        ("rushes_stream_video_keyframe_interval_seconds", 0.8, 1.2),
        ("rushes_stream_video_bits_per_second", 1_000.0, 20e6),
        ("rushes_stream_video_jitter_seconds", f64::MIN_POSITIVE, 0.2),
        ("rushes_stream_video_lost_packets_total", 0.0, lost),
        ("rushes_stream_audio_bits_per_second", 1_000.0, 20e6),
        ("rushes_stream_audio_jitter_seconds", f64::MIN_POSITIVE, 0.2),
        ("rushes_stream_audio_lost_packets_total", 0.0, lost),
        ("rushes_stream_audio_channels", 2.0, 2.0),
        ("rushes_stream_viewer_rtt_seconds_max", 0.0, 0.5),
        ("rushes_stream_viewer_jitter_seconds_max", 0.0, 0.5),
        ("rushes_stream_viewer_loss_ratio_max", 0.0, 0.0),
    ];
    let label = format!("stream=\"{stream}\"");
    let mut wrong = Vec::new();
    let asked = async {
        loop {
            let url = server.api().base.join("/metrics")?;
            let metrics = reqwest::get(url).await?.error_for_status()?.text().await?;
            wrong.clear();
            for (name, least, most) in wanted {
                let value = figure(&metrics, name, &label);
                if !value.is_some_and(|value| (least..=most).contains(&value)) {
                    wrong.push(format!("{name} {value:?}"));
                }
            }
            for labels in [of("video", "H264"), of("audio", "opus")] {
                if figure(&metrics, "rushes_stream_codec_info", &labels) != Some(1.0) {
                    wrong.push(labels);
                }
            }
            if wrong.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let asked = tokio::time::timeout(PICTURE_TIMEOUT, asked).await;
    asked.unwrap_or_else(|_| Err(format!("/metrics tells {wrong:#?}").into()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_measured_is_told_everywhere() {
    let server = Server::start("figures").await.unwrap();
    let source = server.register("figures").await.unwrap();
    let before = server.dropped().unwrap();
    let ffmpeg = Ffmpeg::publish(Version::Ffmpeg9, &source.whip, server.folder()).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    viewer.wait_for(PICTURE_TIMEOUT, |stats| stats.decoded > 25).await.unwrap();
    // None, but for what a busy kernel has dropped on its way.
    let lost = || (server.dropped().unwrap() - before).max(0) as f64;

    let id = || json!({ "id": source.id });
    let details = server.api().call("/get/live/details", id()).await.unwrap();
    let folder = details["project"].clone();
    let all = |told: &Value| {
        let figures = &told["additional_details"];
        told["status"] == "LIVE" && are_right(figures, lost())
    };
    let whole =
        |told: &Value| all(told) && is_a_viewer(&told["additional_details"]["viewer_statistics"]);
    told(&server, ("/get/live/details", id()), Value::clone, whole).await.unwrap();
    // The lists are for all who see the folder, and tell of the source alone.
    for path in ["/list/live/registrations", "/list/live/registrations/v2"] {
        let pick = |told: &Value| {
            let one = told.as_array().and_then(|all| all.iter().find(|one| one["id"] == source.id));
            one.cloned().unwrap_or_default()
        };
        told(&server, (path, json!({ "project_id": folder })), pick, all).await.unwrap();
    }
    let one = json!({ "stream_identifier": source.id });
    let pick = |told: &Value| told["details"]["streams"][0].clone();
    let live = |told: &Value| {
        told["id"] == source.id
            && told["state"] == "LIVE"
            && are_right(told, lost())
            && is_a_viewer(&told["viewer_statistics"])
    };
    told(&server, ("/admin/live/info", one), pick, live).await.unwrap();
    measured(&server, &source.id, lost()).await.unwrap();

    viewer.close().await.unwrap();
    ffmpeg.stop().await.unwrap();
}

/// The events of a session as they come (WHEP's core extensions, "Server Sent Events").
pub(crate) struct Events {
    response: Response,
    rest: String,
}

impl Events {
    /// Asks a session for events, in JSON, at the address for that, and begins to read them.
    pub(crate) async fn of(url: Url, bearer: &str, wanted: &Value) -> Result<Self, Error> {
        let http = reqwest::Client::new();
        let asked = http.post(url).bearer_auth(bearer).header(CONTENT_TYPE, "application/json");
        let asked = asked.body(wanted.to_string()).send().await?;
        if asked.status() != StatusCode::CREATED {
            return Err(format!("{}: {}", asked.status(), asked.text().await?).into());
        }
        let location = asked.headers().get(LOCATION).ok_or("no Location")?.to_str()?;
        // As an EventSource does: without a token.
        let response = http.get(asked.url().join(location)?).send().await?.error_for_status()?;
        Ok(Self { response, rest: String::new() })
    }

    /// The type and the data of the next event; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(String, Value)>, Error> {
        loop {
            while let Some((message, rest)) = self.rest.split_once("\n\n") {
                let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name));
                // What has no type is a comment, which keeps the connection open.
                let event = match (field("event: "), field("data: ")) {
                    (Some(event), Some(data)) => {
                        Some((event.to_owned(), serde_json::from_str::<Value>(data)?))
                    }
                    _ => None,
                };
                self.rest = rest.to_owned();
                if event.is_some() {
                    return Ok(event);
                }
            }
            match self.response.chunk().await? {
                Some(piece) => self.rest.push_str(std::str::from_utf8(&piece)?),
                None => return Ok(None),
            }
        }
    }

    /// Reads up to the event that is looked for; gives back the types of all that came.
    async fn until(&mut self, wanted: impl Fn(&str, &Value) -> bool) -> Result<Vec<String>, Error> {
        let (mut types, mut last) = (Vec::new(), Value::Null);
        let read = async {
            while let Some((event, data)) = self.next().await? {
                let found = wanted(&event, &data);
                types.push(event);
                last = data;
                if found {
                    return Ok(());
                }
            }
            Err("the events have ended".into())
        };
        let read: Result<(), Error> = match tokio::time::timeout(TRIED, read).await {
            Ok(read) => read,
            Err(_) => Err(format!("not within {TRIED:?}").into()),
        };
        match read {
            Ok(()) => Ok(types),
            Err(error) => Err(format!("{error}: {types:?}, at last {last}").into()),
        }
    }
}

/// Watches in the page before anybody publishes; gives back the session's address and its links.
async fn waiting(browser: &mut Browser, url: &Url, bearer: &str) -> Result<[String; 2], Error> {
    let script = format!(
        "await (async () => {{
            const connection = (globalThis.waiting = new RTCPeerConnection());
            connection.addTransceiver('video', {{ direction: 'recvonly' }});
            await connection.setLocalDescription();
            const headers = {{
                Authorization: 'Bearer {bearer}',
                'Content-Type': 'application/sdp',
                Prefer: 'wait-for-publisher',
            }};
            const body = connection.localDescription.sdp;
            const response = await fetch('{url}', {{ method: 'POST', headers, body }});
            const sdp = await response.text();
            if (response.status !== 201) throw new Error(`${{response.status}}: ${{sdp}}`);
            await connection.setRemoteDescription({{ type: 'answer', sdp }});
            return ['Location', 'Link'].map((name) => response.headers.get(name));
        }})()"
    );
    Ok(serde_json::from_value(browser.evaluate(&script, PICTURE_TIMEOUT).await?)?)
}

/// The address of a link with this relation.
fn link<'a>(links: &'a str, relation: &str) -> Option<&'a str> {
    let of_it = links.split('<').find(|link| link.contains(relation))?;
    Some(of_it.split_once('>')?.0)
}

/// The names and widths of the layers of which packets arrive, as an event tells them.
fn arriving(layers: &Value) -> Vec<(&str, u64)> {
    // The picture is the first and only section of the viewer's offer.
    let all = layers["0"].as_array().into_iter().flatten();
    let arrive = all.filter(|layer| within(&layer["bitrate"], 1.0, 20e6));
    arrive.filter_map(|layer| Some((layer["rid"].as_str()?, layer["width"].as_u64()?))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_told_active_layers_and_inactive() {
    let server = Server::start("events").await.unwrap();
    let source = server.register("events").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let (whep, bearer) = (&source.whep.url, source.whep.bearer.as_str());
    let [session, links] = waiting(&mut browser, whep, bearer).await.unwrap();
    let events = link(&links, "urn:ietf:params:whep:ext:core:server-sent-events").unwrap();
    let wanted = json!(["active", "layers", "inactive"]);
    let mut events = Events::of(whep.join(events).unwrap(), bearer, &wanted).await.unwrap();

    browser.publish_layers("camera", &source.whip, ("H264", LAYERS)).await.unwrap();
    // Layers may be told of when they are agreed on, and are told of again as they arrive.
    let layers = [("l", 320), ("m", 640), ("h", 1280)];
    let all = |event: &str, data: &Value| event == "layers" && arriving(data) == layers;
    let came = events.until(all).await.unwrap();
    let active = came.iter().filter(|event| *event == "active").count();
    assert!(active == 1 && came.iter().all(|event| event != "inactive"), "{came:?}");

    // Its DELETE, after which there is nobody.
    assert_eq!(browser.close("camera").await.unwrap(), 200);
    let came = events.until(|event, _| event == "inactive").await.unwrap();
    assert!(!came.iter().any(|event| event == "active"), "{came:?}");
    let session = whep.join(&session).unwrap();
    let ended = reqwest::Client::new().delete(session).bearer_auth(bearer).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::OK);
    // It may still be told that the layers are gone.
    while let Some((event, data)) = events.next().await.unwrap() {
        assert_eq!(event, "layers", "{data}");
    }
}
