//! For those who run the server: `/health` and `/metrics`.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rushes_media::{Rtp, Srt};
use serde_json::json;

use crate::{
    app::App,
    error::{ApiError, Code},
    live::{self, metrics},
    store::outbox,
};

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route("/health", get(health)).route("/metrics", get(metrics)).with_state(app)
}

/// 200 while the server takes work, its database answers and its media thread runs, else 503.
async fn health(State(app): State<Arc<App>>) -> Response {
    let draining = app.draining.load(Ordering::Relaxed);
    let database = app.store.read().await.is_ok();
    let media = app.media.answers().await
        && app.srt.get().is_none_or(Srt::is_running)
        && app.rtp.get().is_none_or(Rtp::is_running);
    let status = if database && media && !draining {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ok": status == StatusCode::OK,
        "database": database,
        "media": media,
        "draining": draining,
        "version": env!("CARGO_PKG_VERSION"),
    });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Numbers for Prometheus, in its text format; to this machine alone unless configured otherwise.
async fn metrics(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Response {
    if !app.config.metrics_public && !peer.ip().to_canonical().is_loopback() {
        return ApiError::new(Code::ACCESS_DENIED).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, text(&app).await).into_response()
}

async fn text(app: &App) -> String {
    let mut out = String::new();
    let uptime = app.started.elapsed().as_secs_f64();
    gauge(&mut out, "rushes_uptime_seconds", "Time since the start.", uptime);
    let connections = app.bus.connections() as f64;
    gauge(
        &mut out,
        "rushes_ws_users_connected",
        "WebSocket connections that are signed in.",
        connections,
    );
    gauge(&mut out, "rushes_rooms_open", "Rooms that somebody is in.", app.hub.rooms() as f64);
    metrics::write(&mut out, &app.media.load(), &metrics::collect(app).await);
    live::recordings::write_metrics(&mut out, app);
    let name = "rushes_http_requests_total";
    head(&mut out, name, "counter", "HTTP answers, by class of status.");
    for (class, count) in app.metrics.http.iter().enumerate().skip(1) {
        let count = count.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}{{status=\"{class}xx\"}} {count}");
    }
    mail(&mut out, app).await;
    let counters = [
        ("rushes_ws_requests_total", "Requests over WebSockets.", &app.metrics.ws_requests),
        (
            "rushes_ws_cut_off_total",
            "WebSocket connections cut off for being slow.",
            &app.metrics.ws_cut_off,
        ),
    ];
    for (name, help, counter) in counters {
        figure(&mut out, name, "counter", help, counter.load(Ordering::Relaxed));
    }
    out
}

/// The mail, where it is sent.
async fn mail(out: &mut String, app: &App) {
    let Some(outbox) = &app.outbox else { return };
    let count = async { outbox::count(&mut *app.store.read().await?).await };
    if let Ok(count) = count.await {
        gauge(out, "rushes_mail_waiting", "Mails that wait to be sent.", count.waiting as f64);
        let help = "Mails that could not be delivered: see rushes admin mail.";
        gauge(out, "rushes_mail_failed", help, count.failed as f64);
    }
    let tally = *outbox.tally().borrow();
    for (name, help, count) in [
        ("rushes_mail_sent_total", "Mails that were taken.", tally.sent),
        ("rushes_mail_deferred_total", "Tries that are to be made again.", tally.deferred),
        ("rushes_mail_failed_total", "Mails that were given up or refused.", tally.failed),
    ] {
        figure(out, name, "counter", help, count);
    }
}

/// What stands before the values of a figure, in the text format of Prometheus.
pub(crate) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A figure without labels.
pub(crate) fn figure(
    out: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    value: impl std::fmt::Display,
) {
    head(out, name, kind, help);
    let _ = writeln!(out, "{name} {value}");
}

fn gauge(out: &mut String, name: &str, help: &str, value: f64) {
    figure(out, name, "gauge", help, value);
}
