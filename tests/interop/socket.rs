//! A connection to the server on which it is asked, and tells.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::peer::Error;
use crate::server::Api;

/// A WebSocket of the caller of an API.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Socket {
    pub(crate) async fn open(api: &Api) -> Result<Self, Error> {
        let mut url = api.base.join("/ws")?;
        url.set_scheme("ws").map_err(|()| "no WebSocket's address")?;
        let mut request = url.as_str().into_client_request()?;
        request.headers_mut().insert("X-Token", api.token.parse()?);
        Ok(Self(connect_async(request).await?.0))
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Result<Value, Error> {
        loop {
            match self.0.next().await.ok_or("the connection ended")?? {
                Message::Text(text) => return Ok(serde_json::from_str(&text)?),
                Message::Close(frame) => return Err(format!("closed: {frame:?}").into()),
                _ => {}
            }
        }
    }

    /// Asks, and passes over whatever else is told before the answer.
    pub(crate) async fn ask(&mut self, endpoint: &str, data: Value) -> Result<Value, Error> {
        let frame = json!({ "endpoint": endpoint, "data": data, "request_id": endpoint });
        self.0.send(Message::text(frame.to_string())).await?;
        loop {
            let answer = self.next().await?;
            if answer["request_id"] == endpoint {
                let failed = !answer["error"].is_null();
                return if failed {
                    Err(answer.to_string().into())
                } else {
                    Ok(answer["data"].clone())
                };
            }
        }
    }
}
