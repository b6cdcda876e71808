//! RTP sources: the port, and who may publish over it.

use std::{io, net::IpAddr, sync::Arc};

use rushes_media::{BoxFuture, Declaration, Rtp, RtpConfig, RtpGate, RtpOrigin, StreamId};
use serde_json::{Value, json};

use super::{connected, stream_of};
use crate::{
    app::App,
    error::ApiResult,
    ids::RegistrationId,
    store::{self, live::raw::RawSource, text::SourceKind},
};

/// Opens the RTP port for all registered sources.
///
/// # Errors
/// When the port cannot be bound, or the database fails.
pub(crate) async fn open(app: &Arc<App>) -> io::Result<()> {
    let config = RtpConfig { listen: app.config.rtp_listen, sources: app.config.limits.rtp };
    let rtp = Rtp::start(config, &app.media, Arc::new(Gate(Arc::downgrade(app))))?;
    let sources = async {
        let mut db = app.store.read().await?;
        store::live::raw::all(&mut db).await
    };
    for source in sources.await.map_err(io::Error::other)? {
        if let (Ok(ip), Some((video, audio))) = (source.source_ip.parse(), ports(&source)) {
            let stream = stream_of(source.registration_id);
            rtp.register(RtpOrigin { stream, ip, video, audio, declared: declared(&source) });
        }
    }
    app.rtp.set(rtp).map_err(|_| io::Error::other("the RTP port is open already"))
}

/// The ports of its picture and its sound.
pub(super) fn ports(source: &RawSource) -> Option<(u16, u16)> {
    Some((u16::try_from(source.video_port).ok()?, u16::try_from(source.audio_port).ok()?))
}

/// What it is declared to send. What an earlier version understood and this one does not counts as
/// nothing.
fn declared(source: &RawSource) -> Option<Arc<Declaration>> {
    match Declaration::parse(source.sdp.as_deref()?) {
        Ok(declared) => Some(Arc::new(declared)),
        Err(error) => {
            tracing::warn!(id = %source.registration_id, %error, "what an RTP source sends");
            None
        }
    }
}

/// Takes what comes from these ports for a registration's from now on.
pub(crate) async fn register(app: &App, id: RegistrationId, ip: IpAddr, ports: (u16, u16)) {
    if let Some(rtp) = app.rtp.get() {
        let (stream, (video, audio)) = (stream_of(id), ports);
        rtp.register(RtpOrigin { stream, ip, video, audio, declared: None });
    }
    follow(app, id).await;
}

/// Has the port take a registration's packets for what the database says by now that they are declared
/// to be.
pub(super) async fn follow(app: &App, id: RegistrationId) {
    // One after the other: who is last has read last.
    let _turn = app.declaring.lock().await;
    let found = async {
        let mut db = app.store.read().await?;
        store::live::raw::get(&mut db, id).await
    };
    match found.await {
        Ok(source) => {
            if let Some(rtp) = app.rtp.get() {
                rtp.declare(stream_of(id), source.as_ref().and_then(declared));
            }
        }
        Err(error) => tracing::error!(%id, %error, "what an RTP source sends is not looked up"),
    }
}

/// Takes nothing more of a registration's addresses.
pub(crate) fn unregister(app: &App, id: RegistrationId) {
    if let Some(rtp) = app.rtp.get() {
        rtp.unregister(stream_of(id));
    }
}

/// Where sources send to.
#[must_use]
pub fn url(app: &App) -> String {
    let bound = app.rtp.get().map_or(app.config.rtp_listen, Rtp::local_addr);
    format!("rtp://{}", super::srt::authority(app, bound))
}

/// What the port knows of itself, for administrators: strangers' packets among it, by which a
/// wrong address is found.
pub(crate) fn info(app: &App) -> Value {
    let Some(rtp) = app.rtp.get() else { return Value::Null };
    let strangers: Vec<Value> = rtp
        .strangers()
        .iter()
        .map(|stranger| json!({ "from": stranger.from, "packets": stranger.packets }))
        .collect();
    json!({
        "rtp": rtp.local_addr(),
        "rtcp": rtp.control_addr(),
        "packets_refused": rtp.refused(),
        "last_refused": strangers,
    })
}

/// The server's rules for the RTP port.
struct Gate(std::sync::Weak<App>);

impl RtpGate for Gate {
    fn accepted(&self, stream: StreamId) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let Some(app) = self.0.upgrade() else { return false };
            match accept(&app, stream).await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::error!(%stream, %error, "an RTP source is not looked up");
                    false
                }
            }
        })
    }
}

async fn accept(app: &App, stream: StreamId) -> ApiResult<bool> {
    if app.draining.load(std::sync::atomic::Ordering::Relaxed) {
        return Ok(false);
    }
    let mut db = app.store.read().await?;
    let row = store::live::get(&mut db, RegistrationId::from_u128(stream.0)).await?;
    drop(db);
    if row.is_none_or(|row| row.stopped || row.kind != SourceKind::Raw) {
        return Ok(false);
    }
    connected(app, stream).await
}
