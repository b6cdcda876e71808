//! RTP sources over the API: registered by their address, shown, and gone.

use std::net::UdpSocket;

use reqwest::StatusCode;
use rushes::store::security::default;
use serde_json::{Value, json};

use crate::{
    harness::{Socket, code},
    live_stage::{OBS, SDP, Stage},
};

const CREATE: &str = "/create/live/registration/raw";

fn new(stage: &Stage, ip: &str, video: i64, audio: i64) -> Value {
    json!({
        "project_id": stage.project, "source_ip": ip, "video_port": video, "audio_port": audio,
        "asset_name": "C cam",
    })
}

async fn register(stage: &Stage, ip: &str, video: i64, audio: i64) -> Value {
    stage.ask(CREATE, new(stage, ip, video, audio)).await
}

async fn refused(stage: &Stage, body: &Value) -> u64 {
    let (_, answer) = stage.rushes.post(CREATE, Some(&stage.admin.token), body).await;
    code(&answer)
}

/// The registration of an asset, as it is listed.
async fn listed(stage: &Stage, asset: &Value) -> Value {
    let all = stage.ask("/list/live/registrations", json!({ "project_id": stage.project })).await;
    let found =
        all.as_array().unwrap().iter().find(|one| one["additional_details"]["asset_id"] == *asset);
    found.unwrap_or_else(|| panic!("{asset} is not in {all}")).clone()
}

#[tokio::test]
async fn a_source_is_registered_with_its_asset_and_shown() {
    let stage = Stage::new().await;
    let made = register(&stage, "192.0.2.7", 5000, 5002).await;
    assert_eq!(made["success"], true);
    let asset = &made["asset_id"];
    let port = stage.rushes.app().rtp.get().unwrap().local_addr();
    let listed = listed(&stage, asset).await;
    let details = stage.ask("/get/live/details", json!({ "id": listed["id"] })).await;
    for shown in [&listed, &details] {
        assert_eq!((&shown["type"], &shown["status"]), (&json!("RAW"), &json!("WAITING")));
        assert_eq!(shown["name"], "C cam");
        assert_eq!(shown["registration_data"], format!("rtp://{port}"));
        assert_eq!(shown["additional_details"]["device"], "192.0.2.7");
        assert_eq!(shown["additional_details"]["stream"], "5000/5002");
        assert_eq!(shown["additional_details"]["rtp"], Value::Null);
    }
    // In a batch of its own, hidden; in one that is there; and an asset that is there.
    let mut body = new(&stage, "192.0.2.8", 5000, 0);
    body["batch_name"] = json!("Stage 4");
    body["batch_hidden"] = json!(true);
    let first = stage.ask(CREATE, body).await;
    let batches = stage.ask("/get/batches", json!({ "project_id": stage.project })).await;
    let batch = batches.as_array().unwrap().iter().find(|b| b["name"] == "Stage 4").unwrap();
    assert_eq!(batch["hidden"], true);
    let mut body = new(&stage, "192.0.2.9", 5000, 0);
    body["batch_id"] = batch["id"].clone();
    stage.ask(CREATE, body).await;
    let first = &first["asset_id"];
    let mut body = new(&stage, "192.0.2.10", 5000, 0);
    body["asset_id"] = first.clone();
    assert_eq!(refused(&stage, &body).await, 655, "another source is shown by it");
    let id = self::listed(&stage, first).await["id"].clone();
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    assert_eq!(stage.ask(CREATE, body).await["asset_id"], *first);
}

#[tokio::test]
async fn an_address_is_registered_once_whoever_asks() {
    let stage = Stage::new().await;
    let made = register(&stage, "192.0.2.7", 5000, 5002).await;
    for (ip, video, audio) in [
        ("192.0.2.7", 5000, 5002),
        ("::ffff:192.0.2.7", 5000, 0),
        ("192.0.2.7", 6000, 5000),
        ("192.0.2.7", 5002, 6000),
    ] {
        assert_eq!(refused(&stage, &new(&stage, ip, video, audio)).await, 655, "{ip} {video}");
    }
    // Another port, another address, and no port, which nobody has.
    register(&stage, "192.0.2.7", 5001, 0).await;
    register(&stage, "192.0.2.7", 5003, 0).await;
    register(&stage, "2001:db8:0::7", 5000, 5000).await;
    assert_eq!(refused(&stage, &new(&stage, "2001:DB8::7", 5000, 0)).await, 655);
    let id = listed(&stage, &made["asset_id"]).await["id"].clone();
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    register(&stage, "192.0.2.7", 5000, 5002).await;
}

#[tokio::test]
async fn what_is_no_address_is_refused_and_so_is_who_may_not() {
    let stage = Stage::new().await;
    for (ip, video, audio) in [
        ("camera.example.com", 5000, 5002),
        ("0.0.0.0", 5000, 5002),
        ("239.1.1.1", 5000, 5002),
        ("ff02::1", 5000, 5002),
        ("192.0.2.7", 65_536, 0),
        ("192.0.2.7", 5000, -1),
        ("192.0.2.7", 0, 0),
    ] {
        assert_eq!(refused(&stage, &new(&stage, ip, video, audio)).await, 407, "{ip} {video}");
    }
    let body = new(&stage, "192.0.2.7", 5000, 5002);
    let watcher = stage.member("watcher", default::VIEWER).await;
    let (status, _) = stage.rushes.post(CREATE, Some(&watcher.token), &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let stranger = stage.rushes.person("stranger").await;
    let (status, _) = stage.rushes.post(CREATE, Some(&stranger.token), &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    // Nor does anybody publish it by WHIP.
    register(&stage, "192.0.2.7", 5000, 5002).await;
    let path = format!("/start/live/whip/{}/192.0.2.7/5000%2F5002", stage.project);
    let admin = Some(stage.admin.token.as_str());
    assert_eq!(stage.refused(&path, admin, SDP, OBS.to_owned()).await.0, 404);
}

#[tokio::test]
async fn what_comes_from_elsewhere_is_counted_and_told_to_administrators_alone() {
    let stage = Stage::new().await;
    let (known, other) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = known.local_addr().unwrap().port();
    let made = register(&stage, "127.0.0.1", port.into(), 0).await;
    let to = stage.rushes.app().rtp.get().unwrap().local_addr();
    let packet = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x41, 0x9a];
    let from = other.local_addr().unwrap().to_string();
    loop {
        known.send_to(&packet, to).unwrap();
        other.send_to(&packet, to).unwrap();
        let info = stage.ask("/admin/live/info", json!({})).await;
        let rtp = &info["details"]["server"]["rtp"];
        let last = rtp["last_refused"].as_array().unwrap();
        let shown = listed(&stage, &made["asset_id"]).await;
        // It has published once it was let in.
        if last.iter().any(|one| one["from"] == from.as_str())
            && shown["additional_details"]["rtp"]["packets"].as_u64() > Some(0)
        {
            assert!(last.iter().all(|one| one["from"] == from.as_str()), "{rtp}");
            assert_eq!(shown["status"], "CONNECTING", "nothing of it is a picture");
            assert!(!shown["last_connected"].is_null());
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // A stopped server forgets it, a deleted one is a stranger's address.
    let id = listed(&stage, &made["asset_id"]).await["id"].clone();
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    let from = known.local_addr().unwrap().to_string();
    loop {
        known.send_to(&packet, to).unwrap();
        let info = stage.ask("/admin/live/info", json!({})).await;
        let last = info["details"]["server"]["rtp"]["last_refused"].clone();
        if last.as_array().unwrap().iter().any(|one| one["from"] == from.as_str()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

const DECLARE: &str = "rushes/live/declare";
/// What ffmpeg prints of a picture and of five channels and one.
const SDP_OF_FFMPEG: &str = "SDP:\nv=0\no=- 0 0 IN IP4 127.0.0.1\ns=No Name\nt=0 0\n\
    a=tool:libavformat LIBAVFORMAT_VERSION\nm=video 5004 RTP/AVP 96\nc=IN IP4 127.0.0.1\n\
    a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1; \
    sprop-parameter-sets=Z/QADJGbKCgz8bgIgAAAAwCAAAAZB4oUyw==,aOvjxEhE; profile-level-id=F4000C\n\
    m=audio 5004 RTP/AVP 97\nc=IN IP4 127.0.0.1\nb=AS:341\na=rtpmap:97 MPEG4-GENERIC/48000/6\n\
    a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; \
    config=11B056E500\n\n";

/// A server with a source of RTP: its registration, and its asset.
async fn with_source() -> (Stage, Value, Value) {
    let stage = Stage::new().await;
    let asset = register(&stage, "192.0.2.7", 5000, 5002).await["asset_id"].clone();
    let id = listed(&stage, &asset).await["id"].clone();
    (stage, id, asset)
}

async fn declare(socket: &mut Socket, id: &Value, sdp: Value) -> Value {
    socket.ask(DECLARE, &json!({ "id": id, "sdp": sdp }), None).await
}

async fn declared(stage: &Stage, asset: &Value) -> Value {
    listed(stage, asset).await["additional_details"]["declared"].clone()
}

#[tokio::test]
async fn what_a_source_sends_is_declared_shown_and_taken_back() {
    let (mut stage, id, asset) = with_source().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    assert_eq!(declared(&stage, &asset).await, Value::Null);
    let answer = declare(&mut socket, &id, json!(SDP_OF_FFMPEG)).await["data"].clone();
    let wanted = json!({
        "video": {
            "payload_type": 96, "encoding_name": "H264", "clock_rate": 90_000, "codec": "H.264",
            "parameter_sets": true,
        },
        "audio": {
            "payload_type": 97, "encoding_name": "mpeg4-generic", "clock_rate": 48_000, "codec": "AAC",
            "sample_rate": 48_000, "channels": 6,
        },
    });
    assert_eq!(answer, json!({ "id": id, "asset_id": asset, "declared": wanted }));
    assert_eq!(declared(&stage, &asset).await, wanted);

    // It is there after a restart, and another one comes in its place; the asset's id is as good.
    drop(socket);
    stage.rushes = stage.rushes.restart().await;
    assert_eq!(declared(&stage, &asset).await, wanted);
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    let pcm = "v=0\r\nm=audio 5004 RTP/AVP 98\r\na=rtpmap:98 L16/48000/2\r\n";
    let answer = declare(&mut socket, &asset, json!(pcm)).await["data"].clone();
    assert_eq!(answer["declared"]["video"], Value::Null);
    assert_eq!(answer["declared"]["audio"]["encoding_name"], "L16");
    assert_eq!(declared(&stage, &asset).await, answer["declared"]);
    assert_eq!(declare(&mut socket, &id, Value::Null).await["data"]["declared"], Value::Null);
    assert_eq!(declared(&stage, &asset).await, Value::Null);

    declare(&mut socket, &id, json!(pcm)).await;
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    assert_eq!(code(&declare(&mut socket, &id, json!(pcm)).await), 404);
    // Whoever has the address next begins without.
    let asset = register(&stage, "192.0.2.7", 5000, 5002).await["asset_id"].clone();
    assert_eq!(declared(&stage, &asset).await, Value::Null);
}

#[tokio::test]
async fn what_is_declared_is_refused_where_it_is_not_taken_and_nothing_changes() {
    let (stage, id, asset) = with_source().await;
    let mut socket = stage.rushes.socket(Some(&stage.admin.token)).await;
    let before = declare(&mut socket, &id, json!(SDP_OF_FFMPEG)).await["data"]["declared"].clone();
    let long = format!("v=0\n{}", "a=x\n".repeat(10_000));
    let many = format!("v=0\n{}", "m=audio 5004 RTP/AVP 0\n".repeat(100));
    for (sdp, why) in [
        (json!(""), "v=0"),
        (json!("\0\u{1}\u{7f}\u{fffd}"), "control"),
        (json!("v=0\ns=-\nt=0 0\n"), "no m=video and no m=audio"),
        (json!("v=0\nm=audio 5004 RTP/AVP 97\na=rtpmap:97 AC3/48000/6\n"), "AC3"),
        (json!("v=0\nm=video 5004 RTP/SAVP 96\na=rtpmap:96 H264/90000\n"), "RTP/SAVP"),
        (json!(long), "longer"),
        (json!(many), "16 m-lines"),
        (json!(7), "neither"),
    ] {
        let answer = declare(&mut socket, &id, sdp).await;
        assert_eq!(code(&answer), 407, "{why}");
        assert!(answer.to_string().contains(why), "{why}: {answer}");
    }
    for data in [json!({}), json!({ "id": id }), json!({ "sdp": SDP_OF_FFMPEG })] {
        assert_eq!(code(&socket.ask(DECLARE, &data, None).await), 407, "{data}");
    }
    assert_eq!(declared(&stage, &asset).await, before);
    // A registration that has no port for it, and one that is no RTP at all.
    let other = register(&stage, "192.0.2.8", 5000, 0).await["asset_id"].clone();
    let answer = declare(&mut socket, &other, json!(SDP_OF_FFMPEG)).await;
    assert_eq!(code(&answer), 407);
    assert!(answer.to_string().contains("audio_port"), "{answer}");
    let whip = json!(stage.registration);
    assert_eq!(code(&declare(&mut socket, &whip, json!(SDP_OF_FFMPEG)).await), 407);
}

#[tokio::test]
async fn only_who_manages_the_sources_of_its_folder_declares() {
    let (stage, id, asset) = with_source().await;
    let watcher = stage.member("watcher", default::VIEWER).await;
    let manager = stage.member("manager", default::MANAGER).await;
    let stranger = stage.rushes.person("stranger").await;
    for (who, expected) in [(&watcher, 800), (&stranger, 404)] {
        let mut socket = stage.rushes.socket(Some(&who.token)).await;
        assert_eq!(code(&declare(&mut socket, &id, json!(SDP_OF_FFMPEG)).await), expected);
        assert_eq!(code(&declare(&mut socket, &json!("nothing"), Value::Null).await), 404);
    }
    assert_eq!(declared(&stage, &asset).await, Value::Null);
    let mut socket = stage.rushes.socket(Some(&manager.token)).await;
    let answer = declare(&mut socket, &id, json!(SDP_OF_FFMPEG)).await;
    assert_eq!(answer["data"]["declared"]["audio"]["channels"], 6);
}

/// A source on this machine, registered: its socket, and its asset.
async fn on_this_machine(stage: &Stage) -> (UdpSocket, Value) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let made = register(stage, "127.0.0.1", port.into(), 0).await;
    (socket, made["asset_id"].clone())
}

/// How many packets of a source were taken; none as long as it does not publish.
async fn taken(stage: &Stage, asset: &Value) -> Option<u64> {
    listed(stage, asset).await["additional_details"]["rtp"]["packets"].as_u64()
}

#[tokio::test]
async fn no_more_sources_publish_than_the_configuration_has_places_for() {
    let stage = Stage::with(|config| config.limits.rtp = 1).await;
    let to = stage.rushes.app().rtp.get().unwrap().local_addr();
    let ((first, asset), (second, other)) =
        (on_this_machine(&stage).await, on_this_machine(&stage).await);
    let mut number = 0u16;
    let mut send = |socket: &UdpSocket| {
        number += 1;
        let [high, low] = number.to_be_bytes();
        socket.send_to(&[0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 1, 0x41, 0x9a], to).unwrap();
    };
    let pause = || tokio::time::sleep(std::time::Duration::from_millis(20));
    while taken(&stage, &asset).await < Some(1) {
        send(&first);
        pause().await;
    }
    // Figures are told of all sources at once: of those that come now, the other one's would be too.
    for _ in 0..3 {
        let before = taken(&stage, &asset).await;
        while taken(&stage, &asset).await <= before {
            send(&second);
            send(&first);
            pause().await;
        }
    }
    let shown = listed(&stage, &other).await;
    assert_eq!((&shown["status"], &shown["last_connected"]), (&json!("WAITING"), &Value::Null));
    assert_eq!(shown["additional_details"]["rtp"], Value::Null);
    // The place of one that is gone is the next one's.
    let id = listed(&stage, &asset).await["id"].clone();
    stage.ask("/delete/live/registration", json!({ "id": id })).await;
    while taken(&stage, &other).await < Some(1) {
        send(&second);
        pause().await;
    }
}

/// It is registered all the same: the server may be told to listen elsewhere tomorrow.
#[tokio::test]
async fn a_source_of_another_family_than_the_port_is_said_not_to_be_heard() {
    let told = |shown: &Value| shown["additional_details"]["problems"].clone();
    let stage = Stage::new().await;
    let made = register(&stage, "2001:db8::7", 5000, 5000).await;
    let problems = told(&listed(&stage, &made["asset_id"]).await);
    let first = problems[0].as_str().unwrap_or_default();
    assert!(first.contains("over IPv4 alone") && first.contains("--rtp-listen [::]"), "{problems}");
    let made = register(&stage, "192.0.2.7", 5000, 5000).await;
    assert_eq!(told(&listed(&stage, &made["asset_id"]).await), json!([]));
    let both = Stage::with(|config| config.rtp_listen = "[::]:0".parse().unwrap()).await;
    for ip in ["2001:db8::7", "192.0.2.7"] {
        let made = register(&both, ip, 5000, 5000).await;
        assert_eq!(told(&listed(&both, &made["asset_id"]).await), json!([]), "{ip}");
    }
}
