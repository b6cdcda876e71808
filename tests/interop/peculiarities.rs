//! What real clients do that a server may not expect, each with a test that names it. The offers
//! themselves are answered in the media crate's tests; `setup:passive` and the missing
//! candidates of ffmpeg are in [`crate::publish`], `bundle-only` is in [`crate::gstreamer`], NACK
//! without RTX in [`crate::loss`].

use std::time::Duration;

use datachannel::CertificateType;

use crate::browser::{Browser, Kind};
use crate::libdatachannel::{Manner, ObsLike};
use crate::peer::Error;
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::{PICTURE_TIMEOUT, live, picture_and_sound, watch};
use crate::server::{Place, Server, Turn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_with_an_rsa_certificate_is_seen() {
    let server = Server::start("rsa").await.unwrap();
    let source = server.register("RSA").await.unwrap();
    let manner = Manner { certificate: CertificateType::RSA, ..Manner::default() };
    let obs = ObsLike::publish_so(&source.whip, manner).await.unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    picture_and_sound(&viewer).await.unwrap();
    viewer.close().await.unwrap();
    obs.stop().await.unwrap();
}

/// Has the browser make its next connections with a new RSA certificate, instead of an ECDSA one.
const WITH_RSA: &str = "(rushes.settings.configuration = { certificates: [
    await RTCPeerConnection.generateCertificate({
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
    }),
] }, null)";

/// Whether a viewer's own certificate has the name of RSA keys in it (RFC 8017, A.1), by the browser's figures.
const IS_RSA: &str = "await (async () => {
    const all = await rushes.peers.viewer.connection.getStats();
    const transport = [...all.values()].find(({ type }) => type === 'transport');
    const der = atob(all.get(transport.localCertificateId).base64Certificate);
    return der.includes('\\x2a\\x86\\x48\\x86\\xf7\\x0d\\x01\\x01\\x01');
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_with_an_rsa_certificate_sees() {
    let server = Server::start("rsa-viewer").await.unwrap();
    let source = server.register("OBS").await.unwrap();
    let obs = ObsLike::publish(&source.whip).await.unwrap();
    live(&server, &source).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    for rsa in [true, false] {
        let with = if rsa { WITH_RSA } else { "(rushes.settings.configuration = {}, null)" };
        browser.evaluate(with, PICTURE_TIMEOUT).await.unwrap();
        browser.watch("viewer", &source.whep).await.unwrap();
        let found = "seen.seen.frames >= 10";
        let seen = browser.wait_for("viewer", PICTURE_TIMEOUT, found).await.unwrap();
        assert_eq!(seen.states, ["connecting", "connected"]);
        assert_eq!(browser.evaluate(IS_RSA, PICTURE_TIMEOUT).await.unwrap(), rsa);
        assert_eq!(browser.close("viewer").await.unwrap(), 200);
    }
    obs.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_comes_after_dtls_has_closed_is_answered_200() {
    let server = Server::start("delete").await.unwrap();
    let source = server.register("OBS").await.unwrap();
    let obs = ObsLike::publish(&source.whip).await.unwrap();
    live(&server, &source).await.unwrap();
    // Any other answer is an error of this.
    obs.stop().await.unwrap();
}

/// Longer than any test: there is one key frame, and never another.
const NEVER: u32 = 100_000;

/// What a newcomer's first picture may take, in milliseconds from the click: four round trips (the offer,
/// ICE, DTLS, the picture), which are nothing within a machine, and what the client takes for its keys,
/// its decoder and its screen. It is half of what a wait for a key frame every second would take at its
/// worst, and here it would last for ever.
const AT_ONCE: f64 = 500.0;
/// How often it is tried: what a busy machine adds it does not add each time, and what the server adds it
/// does.
const TRIES: usize = 3;

/// How long the first pictures of a publisher that has just begun take, in the `webrtc` crate and in
/// Chromium, in milliseconds.
async fn first_pictures(server: &Server, browser: &mut Browser) -> Result<[f64; 2], Error> {
    // Each is a new one: a group of pictures is kept for twelve seconds.
    let source = server.register("OBS").await?;
    let manner = Manner { key_interval: NEVER, ..Manner::default() };
    let obs = ObsLike::publish_so(&source.whip, manner).await?;
    live(server, &source).await?;

    let newcomer = Viewer::watch(source.whep.clone()).await?;
    let decodes = |stats: &Stats| stats.decoded >= 10;
    let stats = newcomer.wait_for(Duration::from_secs(5), decodes).await?;
    browser.watch("viewer", &source.whep).await?;
    let found = "seen.seen.frames >= 10";
    let seen = browser.wait_for("viewer", Duration::from_secs(5), found).await?;
    let pictures = seen.seen.clone().ok_or("nothing was presented")?;
    // Both were shown the one key frame that there is.
    assert_eq!(stats.key_frames, 1);
    let by_crate = stats.first_picture_ms.ok_or("nothing was decoded")? as f64;
    let took = [by_crate, pictures.first.ok_or("nothing was presented")? - pictures.started];
    eprintln!("the first picture of the webrtc crate and of Chromium came after {took:?} ms");

    crate::chromium::end(browser, "viewer", &seen).await?;
    newcomer.close().await?;
    obs.stop().await?;
    Ok(took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_sees_a_publisher_that_ignores_pli_at_once() {
    // Alone, for it is measured how long something takes.
    let turn = Turn::alone().await;
    let server = Server::start_at("no-pli", &Place::loopback(), turn).await.unwrap();
    // Before the publisher, whose only key frame is kept for a while.
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    let mut best = [f64::INFINITY; 2];
    for _ in 0..TRIES {
        let took = first_pictures(&server, &mut browser).await.unwrap();
        best = [best[0].min(took[0]), best[1].min(took[1])];
        if best.iter().all(|took| *took < AT_ONCE) {
            return;
        }
    }
    panic!("the webrtc crate and Chromium took {best:?} ms at best");
}
