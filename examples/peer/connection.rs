//! One peer connection of the `webrtc` crate, set up over WHIP or WHEP.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rushes::demo::whip_client::{WhipClient, WhipTarget, local_address};
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCPeerConnectionState, Registry, SettingEngineBuilder,
};

use super::Error;

/// How long gathering the one local address may take.
const GATHER_TIMEOUT: Duration = Duration::from_secs(5);

/// All states that a connection has been in.
type States = Arc<Mutex<Vec<RTCPeerConnectionState>>>;

/// Forwards the connection's events to channels.
struct Events {
    gathered: watch::Sender<bool>,
    state: watch::Sender<RTCPeerConnectionState>,
    states: States,
    tracks: mpsc::UnboundedSender<Arc<dyn TrackRemote>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).push(state);
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // Nobody listens once the viewer is gone. A connection has a handful of tracks.
        let _ = self.tracks.send(track);
    }
}

/// A peer connection and the HTTP session that it belongs to.
pub(crate) struct Connection {
    pub(crate) peer: Arc<dyn PeerConnection>,
    pub(crate) state: watch::Receiver<RTCPeerConnectionState>,
    states: States,
    client: WhipClient,
    gathered: watch::Receiver<bool>,
    session: Option<Url>,
}

impl Connection {
    /// A connection with `media`'s codecs that is not offered to anybody yet,
    /// and the tracks that it will receive.
    pub(crate) async fn new(
        target: WhipTarget,
        mut media: MediaEngine,
    ) -> Result<(Self, mpsc::UnboundedReceiver<Arc<dyn TrackRemote>>), Error> {
        let local = local_address(&target.url).await?;
        let (gathered_tx, gathered) = watch::channel(false);
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (tracks_tx, tracks) = mpsc::unbounded_channel();
        let states = States::default();
        let events = Events {
            gathered: gathered_tx,
            state: state_tx,
            states: Arc::clone(&states),
            tracks: tracks_tx,
        };
        let interceptors = register_default_interceptors(Registry::new(), &mut media)?;
        let settings =
            SettingEngineBuilder::default().with_include_loopback_candidate(true).build();
        let peer = PeerConnectionBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(interceptors)
            .with_setting_engine(settings)
            .with_handler(Arc::new(events))
            .with_udp_addrs(vec![(local, 0)])
            .build()
            .await?;
        let client = WhipClient::new(target)?;
        let peer = Arc::new(peer);
        Ok((Self { peer, state, states, client, gathered, session: None }, tracks))
    }

    /// Offers what was added to the connection, and takes the answer.
    pub(crate) async fn negotiate(&mut self) -> Result<(), Error> {
        let offer = self.peer.create_offer(None).await?;
        self.peer.set_local_description(offer).await?;
        let gathered = self.gathered.wait_for(|gathered| *gathered);
        tokio::time::timeout(GATHER_TIMEOUT, gathered).await??;
        let offer = self.peer.local_description().await.ok_or("no local description")?;
        let opened = self.client.open(offer.sdp).await?;
        self.session = Some(opened.session);
        let answer = RTCSessionDescription::answer(opened.answer)?;
        self.peer.set_remote_description(answer).await?;
        Ok(())
    }

    /// Waits until ICE and DTLS stand, at most `within`.
    pub(crate) async fn connected(&mut self, within: Duration) -> Result<(), Error> {
        let settled = self.state.wait_for(|state| {
            matches!(state, RTCPeerConnectionState::Connected | RTCPeerConnectionState::Failed)
        });
        let state = *tokio::time::timeout(within, settled)
            .await
            .map_err(|_| format!("not connected within {within:?}"))??;
        match state {
            RTCPeerConnectionState::Connected => Ok(()),
            other => Err(format!("the connection is {other}").into()),
        }
    }

    /// All states that the connection has been in.
    pub(crate) fn states(&self) -> Vec<RTCPeerConnectionState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the HTTP session and the connection.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        let deleted = match self.session.take() {
            Some(session) => self.client.close(session).await,
            None => Ok(()),
        };
        self.peer.close().await?;
        Ok(deleted?)
    }
}
