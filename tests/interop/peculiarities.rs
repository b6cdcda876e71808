//! What real clients do that a server may not expect, each with a test that names it. The offers
//! themselves are answered in the media crate's tests; `setup:passive` and the missing
//! candidates of ffmpeg are in [`crate::publish`], `bundle-only` is in [`crate::gstreamer`], NACK
//! without RTX in [`crate::loss`].

use std::time::Duration;

use datachannel::CertificateType;

use crate::browser::{Browser, Kind};
use crate::libdatachannel::{Manner, ObsLike};
use crate::peer::viewer::{Stats, Viewer};
use crate::publish::{PICTURE_TIMEOUT, live, picture_and_sound, watch};
use crate::server::Server;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_sees_a_publisher_that_ignores_pli_at_once() {
    let server = Server::start("no-pli").await.unwrap();
    let source = server.register("OBS").await.unwrap();
    let manner = Manner { key_interval: NEVER, ..Manner::default() };
    let obs = ObsLike::publish_so(&source.whip, manner).await.unwrap();
    live(&server, &source).await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();

    let newcomer = Viewer::watch(source.whep.clone()).await.unwrap();
    let decodes = |stats: &Stats| stats.decoded >= 10;
    let stats = newcomer.wait_for(Duration::from_secs(5), decodes).await.unwrap();
    eprintln!("the webrtc crate's first picture came after {:?} ms", stats.first_picture_ms);
    browser.watch("viewer", &source.whep).await.unwrap();
    let found = "seen.seen.frames >= 10";
    let seen = browser.wait_for("viewer", Duration::from_secs(5), found).await.unwrap();
    let pictures = seen.seen.clone().unwrap();
    let took = pictures.first.unwrap() - pictures.started;
    eprintln!("Chromium's first picture came after {took} ms");
    // Both were shown the one key frame that there is.
    assert_eq!(stats.key_frames, 1);
    assert!(took < 1_500.0 && stats.first_picture_ms.is_some_and(|ms| ms < 1_500));

    crate::chromium::end(&mut browser, "viewer", &seen).await.unwrap();
    newcomer.close().await.unwrap();
    obs.stop().await.unwrap();
}
