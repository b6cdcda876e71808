//! SRT sources: their addresses, and who may publish over the SRT port.

use std::{io, net::SocketAddr, sync::Arc};

use rushes_media::{
    Admission, BoxFuture, Caller, Gate, Srt, SrtConfig, StreamId,
    srt::{Limits, Rejection},
};

use super::{connected, id_in_url, stream_of};
use crate::{
    app::App,
    error::{ApiError, ApiResult},
    ids::{AnyId, RegistrationId},
    store::{self, live::RegistrationRow, text::SourceKind},
};

/// Opens the SRT port.
pub(crate) fn open(app: &Arc<App>) -> io::Result<()> {
    let limits = Limits {
        links: app.config.limits.srt,
        links_of_address: app.config.limits.srt_per_address,
        ..Limits::default()
    };
    let config = SrtConfig { listen: app.config.srt_listen, limits };
    let srt = Srt::start(config, &app.media, Arc::new(SrtGate(Arc::downgrade(app))))?;
    app.srt.set(srt).map_err(|_| io::Error::other("the SRT port is open already"))
}

/// Where a registration is sent to, without its passphrase.
#[must_use]
pub fn url(app: &App, id: RegistrationId) -> String {
    let bound = app.srt.get().map_or(app.config.srt_listen, Srt::local_addr);
    format!("srt://{}?streamid={id}", authority(app, bound))
}

/// The same with the passphrase: all that an encoder needs.
#[must_use]
pub fn whole_url(app: &App, id: RegistrationId) -> String {
    format!("{}&passphrase={}", url(app, id), app.srt_key.passphrase(id).reveal())
}

/// Host and port of a bound port as others reach it: the port is its own, the host the server's.
pub(super) fn authority(app: &App, bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() {
        format!("{}:{}", host_of(app.public_url()), bound.port())
    } else {
        bound.to_string()
    }
}

/// The host in a URL, without its port.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

/// The SRT registration that an address or an id names: its own id, its asset's, or a URL with
/// either as the stream id or at the end of the path.
pub(crate) async fn by_uri(db: &mut store::Db, uri: &str) -> ApiResult<RegistrationRow> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let stream_id = query.split('&').find_map(|pair| pair.strip_prefix("streamid="));
    super::by_name(db, stream_id.unwrap_or_else(|| id_in_url(uri))).await
}

/// The server's rules for the SRT port.
struct SrtGate(std::sync::Weak<App>);

impl Gate for SrtGate {
    fn admit(&self, caller: Caller) -> BoxFuture<'_, Result<Admission, Rejection>> {
        Box::pin(async move {
            let app = self.0.upgrade().ok_or(Rejection::Down)?;
            admit(&app, &caller).await
        })
    }

    fn accepted(&self, stream: StreamId) -> BoxFuture<'_, Result<(), Rejection>> {
        Box::pin(async move {
            let app = self.0.upgrade().ok_or(Rejection::Down)?;
            // It may have been stopped or deleted while its passphrase was looked at.
            let row = find(&app, &RegistrationId::from_u128(stream.0).to_string()).await;
            let row = row.map_err(|error| internal(&error))?.ok_or(Rejection::NotFound)?;
            if row.stopped {
                return Err(Rejection::Forbidden);
            }
            match connected(&app, stream).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(Rejection::NotFound),
                Err(error) => Err(internal(&error)),
            }
        })
    }
}

async fn admit(app: &App, caller: &Caller) -> Result<Admission, Rejection> {
    if app.draining.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(Rejection::Down);
    }
    let row = find(app, &caller.request.resource).await.map_err(|error| internal(&error))?;
    let Some(row) = row else {
        // Whoever tries ids is slowed down like whoever tries tokens.
        let within = app.limits.address(SocketAddr::ip(&caller.from).to_canonical());
        return Err(if within.is_ok() { Rejection::NotFound } else { Rejection::Overload });
    };
    if row.stopped {
        return Err(Rejection::Forbidden);
    }
    let passphrase = app.srt_key.passphrase(row.id).reveal().to_owned();
    Ok(Admission { stream: stream_of(row.id), passphrase: Some(passphrase) })
}

fn internal(error: &ApiError) -> Rejection {
    tracing::error!(%error, "an SRT caller is not looked up");
    Rejection::Internal
}

/// Whether such sources publish over SRT.
pub(crate) fn is_srt(kind: SourceKind) -> bool {
    matches!(kind, SourceKind::Srt | SourceKind::Elementallink)
}

/// The registration of a stream id that publishes over SRT; none if there is none.
async fn find(app: &App, resource: &str) -> Result<Option<RegistrationRow>, ApiError> {
    let Ok(id) = resource.parse::<AnyId>() else { return Ok(None) };
    let mut db = app.store.read().await?;
    let row = store::live::get(&mut db, id.cast()).await?;
    Ok(row.filter(|row| is_srt(row.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_found() {
        for (url, host) in [
            ("http://192.0.2.1:8080", "192.0.2.1"),
            ("https://rushes.example.com/review", "rushes.example.com"),
            ("http://[2001:db8::1]:8080/a:b", "[2001:db8::1]"),
            ("http://[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
