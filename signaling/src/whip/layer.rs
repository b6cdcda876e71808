//! The choice of a layer by a viewer (WHEP core extensions, "Video Layer Selection").

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rushes_media::{LayerChoice, LayerLimits};
use serde::Deserialize;

use super::access::Access;
use super::http::{Sender, need_type, other_method, read};
use super::limits::Offered;
use super::problem::Problem;
use super::table::{MLine, no_session};
use super::{App, JSON, MAX_JSON, Shared};

const METHODS: &str = "POST, OPTIONS, GET, HEAD";

/// What a viewer asks for. Members that are unknown are ignored, as the draft wants it; those of
/// scalable codecs are known and refused, because nothing here would heed them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wish {
    media_id: Option<String>,
    rid: Option<String>,
    /// The name of `rid` in the first drafts.
    encoding_id: Option<String>,
    spatial_layer_id: Option<u32>,
    temporal_layer_id: Option<u32>,
    max_spatial_layer_id: Option<u32>,
    max_temporal_layer_id: Option<u32>,
    max_width: Option<u32>,
    max_height: Option<u32>,
}

impl Wish {
    fn parse(text: &str) -> Result<Self, Problem> {
        // By way of a map: serde would take an array for a struct, too.
        let members = serde_json::from_str::<serde_json::Map<_, _>>(text);
        let wish = members.and_then(|map| serde_json::from_value(map.into()));
        wish.map_err(|error| {
            let detail = format!("send an object such as {{\"rid\": \"h\"}}: {error}");
            Problem::new(StatusCode::BAD_REQUEST, detail)
        })
    }

    /// What it means for a session whose picture is in this section.
    fn choice(self, picture: Option<&MLine>) -> Result<LayerChoice, Problem> {
        let refused = |detail: &str| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        let Some(picture) = picture else {
            return refused("the session has no picture, and hence no layers");
        };
        let is_picture =
            |id: &String| id.parse() == Ok(picture.index) || picture.mid.as_ref() == Some(id);
        if !self.media_id.as_ref().is_none_or(is_picture) {
            return refused(&format!("the picture has the mediaId \"{}\"", picture.index));
        }
        let scalable = [
            self.spatial_layer_id,
            self.temporal_layer_id,
            self.max_spatial_layer_id,
            self.max_temporal_layer_id,
        ];
        if scalable.iter().any(Option::is_some) {
            return refused(
                "layers of scalable codecs cannot be chosen here: choose by rid or size",
            );
        }
        Ok(match (self.rid.or(self.encoding_id), self.max_width, self.max_height) {
            (Some(rid), ..) => LayerChoice::Rid(rid),
            (None, None, None) => LayerChoice::Auto,
            (None, width, height) => LayerChoice::Limited(LayerLimits { width, height }),
        })
    }
}

/// What a body means for a session whose picture is in this section.
pub(super) fn choice(text: &str, picture: Option<&MLine>) -> Result<LayerChoice, Problem> {
    Wish::parse(text)?.choice(picture)
}

pub(super) async fn handle<A: Access>(
    State(app): State<App<A>>,
    Path(name): Path<String>,
    request: Request<Body>,
) -> Response {
    match *request.method() {
        Method::POST => select(&app, &name, request).await.unwrap_or_else(Problem::into_response),
        Method::OPTIONS => {
            let post = (HeaderName::from_static("accept-post"), JSON);
            (StatusCode::OK, [(header::ALLOW, METHODS), post]).into_response()
        }
        _ => other_method(request.method(), METHODS),
    }
}

async fn select<A: Access>(
    app: &Shared<A>,
    name: &str,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let session = app.session(name, &Sender::of(&request))?;
    if session.offered != Offered::View {
        return Err(no_session());
    }
    need_type(request.headers(), JSON)?;
    let choice = choice(&read(request, MAX_JSON).await?, session.picture.as_ref())?;
    app.media.select(session.id, choice).await?;
    Ok(StatusCode::OK.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str) -> Result<LayerChoice, Problem> {
        super::choice(text, Some(&MLine { index: 1, mid: Some("v".into()) }))
    }

    #[test]
    fn what_a_viewer_may_ask_for() {
        let rid = |name: &str| LayerChoice::Rid(name.to_owned());
        assert_eq!(choice(r#"{"rid": "h"}"#).unwrap(), rid("h"));
        assert_eq!(choice(r#"{"mediaId": "1", "encodingId": "h"}"#).unwrap(), rid("h"));
        assert_eq!(choice(r#"{"mediaId": "v", "new": [1]}"#).unwrap(), LayerChoice::Auto);
        let limits = LayerLimits { width: Some(640), height: None };
        assert_eq!(choice(r#"{"maxWidth": 640}"#).unwrap(), LayerChoice::Limited(limits));
    }

    #[test]
    fn what_cannot_be_done_is_not_passed_over() {
        for text in ["", "[]", "null", r#"{"rid": 1}"#, r#"{"maxWidth": -1}"#] {
            assert!(choice(text).is_err(), "{text}");
        }
        for text in [r#"{"mediaId": "0"}"#, r#"{"rid": "h", "spatialLayerId": 0}"#] {
            assert!(choice(text).is_err(), "{text}");
        }
        assert!(Wish::default().choice(None).is_err(), "no picture");
    }
}
