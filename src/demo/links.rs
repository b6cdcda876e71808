//! What the demo tells the person who started it, and the tests.

use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use super::seed::{LiveSource, Room, Tree};
use crate::app::App;
use crate::ids::{AssetId, RoomId};
use crate::provision;
use crate::store::StoreError;
use crate::time::Millis;

/// All links and tokens of a running demo; this is what `--json` prints.
#[derive(Serialize)]
pub(super) struct Links {
    url: String,
    room_id: RoomId,
    /// Signs the host in, once.
    host_link: String,
    /// Lets the guest in.
    guest_link: Option<String>,
    live_asset_id: Option<AssetId>,
    clip_asset_ids: Vec<AssetId>,
    obs_url: String,
    obs_token: String,
    #[serde(skip)]
    data: PathBuf,
}

impl Links {
    /// Draws a fresh login link for the host and puts it together with the rest.
    pub(super) async fn new(
        app: &App,
        tree: &Tree,
        room: &Room,
        live_asset_id: Option<AssetId>,
        obs: &LiveSource,
    ) -> Result<Self, StoreError> {
        let url = app.public_url();
        let next = format!("/rooms/{}", room.id);
        let mut tx = app.store.write().await?;
        let login = provision::login_link(&mut tx, url, tree.host, Some(&next), Millis::now());
        let host_link = login.await?;
        tx.commit().await?;
        let guest_link = room
            .guest
            .as_ref()
            .map(|key| format!("{url}/#/guest?u={key}&first=Guest&last=Demo&next={next}"));
        Ok(Self {
            room_id: room.id,
            host_link,
            guest_link,
            live_asset_id,
            clip_asset_ids: tree.clips.clone(),
            obs_url: format!("{url}{}", obs.path),
            obs_token: obs.bearer.clone(),
            data: app.config.data.clone(),
            url: url.to_owned(),
        })
    }

    /// Prints the links on standard output.
    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)?;
        } else {
            out.write_all(self.text().as_bytes())?;
        }
        out.flush()
    }

    fn text(&self) -> String {
        let Self { url, host_link, obs_url, obs_token, .. } = self;
        let guest_link = self.guest_link.as_deref().unwrap_or("(there is none)");
        let data = self.data.display();
        format!(
            "
Rushes runs at {url}

Open these two in two browsers (or in a private window):

  host   {host_link}
  guest  {guest_link}

The host's link signs in once; start the demo again for a fresh one. A test
pattern is live in the room. To stream a camera there too, type into OBS:

  Settings > Stream
    Service        WHIP
    Server         {obs_url}
    Bearer Token   {obs_token}
  Settings > Output (mode Advanced) > Streaming
    Encoder x264, rate control CBR, bitrate 4000 kbit/s, keyframe interval 1 s,
    profile baseline, tune zerolatency

All of it is kept in {data}. Ctrl-C ends the demo.

"
        )
    }
}
