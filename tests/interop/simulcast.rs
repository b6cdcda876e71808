//! A publisher of three layers: each viewer is sent the one that it asks for, or that its network
//! bears, and sees no standstill when it is another one.

use std::time::Duration;

use crate::browser::{Browser, Kind, Seen};
use crate::peer::Error;
use crate::proxy::Network;
use crate::publish::PICTURE_TIMEOUT;
use crate::server::Server;

/// 320x180, 640x360 and 1280x720.
pub(crate) const LAYERS: &str = "[
    { rid: 'h', maxBitrate: 1700000 },
    { rid: 'm', maxBitrate: 400000, scaleResolutionDownBy: 2 },
    { rid: 'l', maxBitrate: 120000, scaleResolutionDownBy: 4 }]";
/// All of them are sent, which takes a browser's own estimator a while.
const ALL_SENT: &str = "['l', 'm', 'h'].every((rid) => seen.layers?.[rid] > 15)";
/// A layer that a network bears again is tried after a while.
pub(crate) const TRIED: Duration = Duration::from_secs(60);
/// Pictures that are looked at after each change: three seconds.
const LOOKED_AT: u32 = 45;

/// Waits until the viewer's picture is as wide as it should be, and runs; measured are the change
/// and what follows.
async fn shown(
    browser: &mut Browser,
    name: &str,
    (width, within): (&str, Duration),
) -> Result<Seen, Error> {
    let wide = format!("seen.seen.width {width}");
    browser.wait_for(name, within, &wide).await?;
    let enough = format!("{wide} && seen.seen.frames >= {LOOKED_AT}");
    browser.wait_for(name, within, &enough).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_three_layers_are_sent_what_they_ask_for_and_what_their_networks_bear() {
    let network = Network::losing(0);
    let server = Server::behind("simulcast", &network).await.unwrap();
    let source = server.register("simulcast").await.unwrap();
    let mut browser = Browser::open(Kind::Chromium, &server.api().base).await.unwrap();
    browser.publish_layers("camera", &source.whip, ("H264", LAYERS)).await.unwrap();
    browser.wait_for("camera", TRIED, ALL_SENT).await.unwrap();
    server.proxy().newcomers(&Network::losing(0));
    browser.watch("free", &source.whep).await.unwrap();
    let narrow = Network::losing(0);
    server.proxy().newcomers(&narrow);
    browser.watch("narrow", &source.whep).await.unwrap();
    for name in ["free", "narrow"] {
        shown(&mut browser, name, ("=== 1280", PICTURE_TIMEOUT)).await.unwrap();
    }

    for (wish, width) in [
        ("{ rid: 'l' }", "=== 320"),
        ("{ rid: 'h' }", "=== 1280"),
        ("{ maxHeight: 400 }", "=== 640"),
        ("{ rid: 'l' }", "=== 320"),
        ("{}", "=== 1280"),
    ] {
        browser.again("free").await.unwrap();
        assert_eq!(browser.select("free", wish).await.unwrap(), 200);
        let seen = shown(&mut browser, "free", (width, TRIED)).await.unwrap();
        let pictures = seen.seen.unwrap();
        eprintln!("{wish}: {pictures:?}");
        assert!(pictures.longest_gap <= 500.0, "{wish}: {:?}", pictures.gaps);
    }
    assert_eq!(browser.select("free", "{ rid: 'x' }").await.unwrap(), 422);

    // What one viewer's network does not bear concerns nobody else.
    browser.again("free").await.unwrap();
    narrow.carry(600_000);
    shown(&mut browser, "narrow", ("< 1280", PICTURE_TIMEOUT)).await.unwrap();
    browser.again("narrow").await.unwrap();
    let seen = shown(&mut browser, "narrow", ("< 1280", PICTURE_TIMEOUT)).await.unwrap();
    eprintln!("narrow: {seen:?}");
    assert!(seen.seen.unwrap().longest_gap <= 500.0, "the layer that is borne runs");
    narrow.carry(0);
    browser.again("narrow").await.unwrap();
    let seen = shown(&mut browser, "narrow", ("=== 1280", TRIED)).await.unwrap();
    eprintln!("wide again: {seen:?}");
    assert!(seen.seen.unwrap().longest_gap <= 500.0);
    let seen = shown(&mut browser, "free", ("=== 1280", PICTURE_TIMEOUT)).await.unwrap();
    assert!(seen.seen.clone().unwrap().longest_gap <= 500.0, "{seen:?}");

    for name in ["free", "narrow"] {
        let seen = browser.wait_for(name, PICTURE_TIMEOUT, "true").await.unwrap();
        crate::chromium::end(&mut browser, name, &seen).await.unwrap();
    }
    assert_eq!(browser.close("camera").await.unwrap(), 200);
}
