//! The QR code of a device that signs in, as a picture: whoever points a telephone at it is on the
//! page that lets the device in, with its code typed in already.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderValue, Request, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde::Deserialize;

use crate::{
    api::normal_code,
    app::App,
    error::{ApiError, ApiResult, Code},
    rpc,
    store::devices,
    time::Millis,
};

/// The path, in the contract too.
const PATH: &str = "/authenticate/device/get/qrcode";

/// The side of a picture, in pixels, if nothing else is asked for; and the smallest and largest.
const SIDE: u32 = 320;
const SIDES: std::ops::RangeInclusive<i64> = 64..=2048;

/// Modules of white around the code (ISO/IEC 18004 wants four).
const QUIET: usize = 4;

#[derive(Debug, Deserialize)]
struct GetQrCode {
    size: Option<i64>,
    user_code: String,
}

/// The route of the picture.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().route(PATH, any(qr_code)).with_state(app)
}

async fn qr_code(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    match picture(&app, peer, request).await {
        Ok(png) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (headers, png).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn picture(app: &App, peer: SocketAddr, request: Request<Body>) -> ApiResult<Vec<u8>> {
    app.limits.address(peer.ip().to_canonical())?;
    let parameters = rpc::parameters(PATH, request).await?;
    let asked: GetQrCode = serde_json::from_value(parameters)
        .map_err(|error| ApiError::new(Code::INVALID_DATA).message(error.to_string()))?;
    let code = normal_code(&asked.user_code);
    // Only what the server gave out itself becomes a picture.
    let mut db = app.store.read().await?;
    if devices::by_user_code(&mut db, &code, Millis::now()).await?.is_none() {
        return Err(ApiError::new(Code::NOT_FOUND)
            .message("No device waits with this code: it may have ended"));
    }
    let side = match asked.size {
        None => SIDE,
        Some(size) if SIDES.contains(&size) => u32::try_from(size).unwrap_or(SIDE),
        Some(_) => {
            return Err(ApiError::new(Code::INVALID_DATA).field(
                "size",
                Code::INVALID_DATA,
                format!("must be {} to {} pixels", SIDES.start(), SIDES.end()),
            ));
        }
    };
    let url = format!("{}/#/device?code={code}", app.public_url());
    draw(&url, side as usize).map_err(|error| ApiError::internal(&error))
}

/// Draws a text as a QR code on a square of `side` pixels, black on white.
///
/// # Errors
/// When the text is too long for a code, or the picture too small for its modules.
fn draw(text: &str, side: usize) -> Result<Vec<u8>, DrawError> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M)
        .map_err(|error| DrawError::Code(error.to_string()))?;
    let modules = code.width();
    let scale = (side / (modules + 2 * QUIET)).max(1);
    let margin = side.saturating_sub(modules * scale) / 2;
    let colors = code.to_colors();
    let mut pixels = vec![255_u8; side * side];
    for (index, _) in colors.iter().enumerate().filter(|(_, c)| **c == qrcode::Color::Dark) {
        let (left, top) = (margin + index % modules * scale, margin + index / modules * scale);
        for y in top..(top + scale).min(side) {
            pixels[y * side + left.min(side)..y * side + (left + scale).min(side)].fill(0);
        }
    }
    let mut png = Vec::new();
    let side = u32::try_from(side).unwrap_or(SIDE);
    let mut encoder = png::Encoder::new(&mut png, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(png)
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum DrawError {
    #[error("no QR code: {0}")]
    Code(String),
    #[error(transparent)]
    Png(#[from] png::EncodingError),
}
