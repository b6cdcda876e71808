//! How requests and answers are wrapped, over the WebSocket and (where the client does so) HTTP.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The keys that an envelope may have.
const KEYS: [&str; 5] = ["data", "endpoint", "features", "request_id", "token"];

/// The longest `request_id` that is echoed, in bytes.
pub const MAX_REQUEST_ID: usize = 256;

/// A wrapped request.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// The parameters: an object, or null when there are none.
    pub data: Value,
    /// The path asked for; over HTTP the URL says it.
    pub endpoint: Option<String>,
    /// Whatever the client chose, to be given back with the answer: a text or a number.
    pub request_id: Option<Value>,
    /// The caller's token.
    pub token: Option<String>,
}

/// Why a WebSocket frame is not a request. The `request_id` is there if it could be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FrameError {
    /// Not JSON.
    #[error("the frame is not JSON")]
    NotJson,
    /// JSON, and not a request.
    #[error("{reason}")]
    NotARequest {
        /// What is wrong.
        reason: &'static str,
        /// The client's own name for the request, where it had one.
        request_id: Option<Value>,
    },
}

/// Takes a body out of its envelope: `None` when it is not in one, and is all parameters.
///
/// A body is in an envelope when it has an object `data` and no key outside the envelope's.
#[must_use]
pub fn unwrap_body(body: &Value) -> Option<Envelope> {
    let object = body.as_object()?;
    object.get("data")?.as_object()?;
    if !object.keys().all(|key| KEYS.contains(&key.as_str())) {
        return None;
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Envelope {
        data: object["data"].clone(),
        endpoint: text("endpoint"),
        request_id: request_id(object),
        token: text("token"),
    })
}

/// Reads a WebSocket frame: `{endpoint, data, request_id, token?, features?}`.
///
/// The endpoint may be written with or without its leading slash and is given back without.
///
/// # Errors
/// When it is not JSON, no object, or names no endpoint.
pub fn parse_frame(text: &str) -> Result<Envelope, FrameError> {
    let value: Value = serde_json::from_str(text).map_err(|_| FrameError::NotJson)?;
    let refuse = |reason, request_id| FrameError::NotARequest { reason, request_id };
    let Value::Object(mut object) = value else {
        return Err(refuse("a request is an object", None));
    };
    let request_id = request_id(&object);
    let Some(endpoint) = object.get("endpoint").and_then(Value::as_str) else {
        return Err(refuse("a request names its endpoint", request_id));
    };
    let endpoint = endpoint.strip_prefix('/').unwrap_or(endpoint).to_owned();
    let token = object.get("token").and_then(Value::as_str).map(str::to_owned);
    Ok(Envelope {
        data: object.remove("data").unwrap_or(Value::Null),
        endpoint: Some(endpoint),
        request_id,
        token,
    })
}

fn request_id(object: &Map<String, Value>) -> Option<Value> {
    match object.get("request_id")? {
        Value::String(text) if text.len() <= MAX_REQUEST_ID => Some(Value::from(text.as_str())),
        Value::Number(number) => Some(Value::Number(number.clone())),
        _ => None,
    }
}

/// Wraps an answer that is JSON text already.
#[must_use]
pub fn answer(request_id: Option<&Value>, data: &str) -> String {
    wrap(request_id, "data", data)
}

/// Wraps an error body (`{code, message, …}`).
#[must_use]
pub fn refusal(request_id: Option<&Value>, error: &Value) -> String {
    wrap(request_id, "error", &error.to_string())
}

fn wrap(request_id: Option<&Value>, key: &str, value: &str) -> String {
    let request_id = request_id.map_or_else(|| "null".to_owned(), Value::to_string);
    format!(r#"{{"request_id":{request_id},"{key}":{value}}}"#)
}

/// What a wrapped answer or an event looks like to the one who reads it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Incoming {
    /// The request this answers; absent on events.
    pub request_id: Option<Value>,
    /// The answer, or what the event says.
    pub data: Option<Value>,
    /// The error, if the request failed.
    pub error: Option<Value>,
    /// The type of the event; absent on answers.
    pub event_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_in_an_envelope_only_when_all_of_it_is() {
        let wrapped = json!({"data": {"id": "A"}, "token": "T", "request_id": 7});
        let envelope = unwrap_body(&wrapped).unwrap();
        assert_eq!(envelope.data, json!({"id": "A"}));
        assert_eq!((envelope.token.as_deref(), envelope.request_id), (Some("T"), Some(json!(7))));
        for bare in [
            json!({"data": "text"}),
            json!({"data": {}, "name": "x"}),
            json!({"id": 1}),
            json!([1]),
            json!({"token": "T"}),
        ] {
            assert_eq!(unwrap_body(&bare), None, "{bare}");
        }
    }

    #[test]
    fn frames_name_their_endpoint_with_or_without_a_slash() {
        for endpoint in ["/ping", "ping"] {
            let text = json!({"endpoint": endpoint, "request_id": "r"}).to_string();
            let frame = parse_frame(&text).unwrap();
            assert_eq!(frame.endpoint.as_deref(), Some("ping"));
            assert_eq!(frame.data, Value::Null);
        }
        assert_eq!(parse_frame("{"), Err(FrameError::NotJson));
        let nameless = parse_frame(r#"{"request_id": 3}"#).unwrap_err();
        assert!(
            matches!(nameless, FrameError::NotARequest { request_id: Some(id), .. } if id == 3)
        );
    }

    #[test]
    fn only_short_texts_and_numbers_are_echoed() {
        for bad in [json!({}), json!([1]), json!("x".repeat(257)), json!(null), json!(true)] {
            let text = json!({"endpoint": "ping", "request_id": bad}).to_string();
            assert_eq!(parse_frame(&text).unwrap().request_id, None);
        }
    }

    #[test]
    fn answers_read_back() {
        let text = answer(Some(&json!("a\"b")), r#"[{"x":1}]"#);
        let read: Incoming = serde_json::from_str(&text).unwrap();
        assert_eq!(read.request_id, Some(json!("a\"b")));
        assert_eq!(read.data, Some(json!([{"x": 1}])));
        let text = refusal(None, &json!({"code": 404}));
        assert_eq!(text, r#"{"request_id":null,"error":{"code":404}}"#);
    }
}
