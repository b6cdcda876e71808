//! GStreamer's `webrtcbin` as a publisher, driven by a script of ours (`gstreamer_whip.py`), in a
//! network of its own: libnice takes no address of the loopback. Its certificate is an RSA one,
//! and its second section is `bundle-only`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rushes::demo::whip_client::WhipTarget;

use crate::namespace;
use crate::peer::Error;
use crate::peer::viewer::Stats;
use crate::publish::{PICTURE_TIMEOUT, watch};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/gstreamer_whip.py");

const RTP_SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/gstreamer_rtp.py");

/// A running script. It is killed by its process id when this is dropped.
pub(crate) struct GStreamer {
    child: Child,
    log: PathBuf,
}

impl GStreamer {
    pub(crate) fn publish(target: &WhipTarget, folder: &Path) -> Result<Self, Error> {
        let log = folder.join("gstreamer.log");
        let output = File::create(&log)?;
        // Debian's own Python, which finds Debian's GStreamer.
        let child = Command::new("/usr/bin/python3")
            .args([SCRIPT, target.url.as_str(), &target.bearer])
            .env("GST_REGISTRY", folder.join("gstreamer.registry"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Sends plain RTP: from and to where the arguments say.
    pub(crate) fn send_rtp(arguments: [&str; 4], folder: &Path) -> Result<Self, Error> {
        let log = folder.join("gstreamer.log");
        let output = File::create(&log)?;
        let child = Command::new("/usr/bin/python3")
            .arg(RTP_SCRIPT)
            .args(arguments)
            .env("GST_REGISTRY", folder.join("gstreamer.registry"))
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Asks it to end its session, and waits for it.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus, Error> {
        drop(self.child.stdin.take());
        let ended = async {
            loop {
                match self.child.try_wait() {
                    Ok(None) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                    ended => return ended,
                }
            }
        };
        let status = tokio::time::timeout(PICTURE_TIMEOUT, ended).await;
        status??.ok_or_else(|| "it goes on".into())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for GStreamer {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- GStreamer's log\n{}", self.log());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webrtcbin_with_an_rsa_certificate_and_a_bundle_only_section_is_seen_and_heard() {
    if !namespace::enter(
        "gstreamer::webrtcbin_with_an_rsa_certificate_and_a_bundle_only_section_is_seen_and_heard",
    )
    .await
    {
        return;
    }
    let (server, _apart) = namespace::server_apart("gstreamer").await.unwrap();
    let source = server.register("gstreamer").await.unwrap();
    let gstreamer = GStreamer::publish(&source.whip, server.folder()).unwrap();
    let viewer = watch(&server, &source).await.unwrap();
    let seen =
        |stats: &Stats| stats.decoded >= 30 && stats.key_frames >= 2 && stats.audio.packets >= 50;
    let stats = viewer.wait_for(PICTURE_TIMEOUT, seen).await.unwrap();
    assert_eq!((stats.width, stats.height), (640, 360));
    // What this test is here for, should a later GStreamer do otherwise.
    assert!(gstreamer.log().contains("a=bundle-only"), "{}", gstreamer.log());
    viewer.close().await.unwrap();
    let status = gstreamer.stop().await.unwrap();
    assert!(status.success(), "{status}: its DELETE was not answered 200");
}
