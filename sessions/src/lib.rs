//! Review rooms: the state machine, the synchronisation, presence, and the hub of live rooms.
//!
//! [`Room`] is the pure core: it is given the time and a command and answers with what follows
//! from them. It opens no socket, reads no clock and spawns nothing, so that its laws can be
//! tested in virtual time. [`hub`] is the one part that knows tokio: it gives each room in use a
//! task that owns it, and writes what changed to a [`hub::Journal`] before anyone is told.

mod bucket;
mod chat;
mod command;
mod compare;
mod drawing;
pub mod hub;
mod ids;
mod log;
mod memory;
mod presence;
mod room;
mod state;
mod timeline;
mod units;

pub use bucket::TokenBucket;
pub use chat::{ChatMessage, MAX_MESSAGE, MESSAGES_KNOWN, Said};
pub use command::{Ack, Command, Effects, MAX_CMD_ID, Op, Reason, Refusal};
pub use compare::{Compare, Layout};
pub use drawing::{
    Draw, DrawingChange, Drawn, Erase, MAX_PART_POINTS, MAX_POINTS, MAX_STROKE_ID,
    MAX_STROKE_POINTS, MAX_STROKES, Pen, Place, Point, Pointer, SCALE, Stroke, StrokePart,
};
pub use hub::Hub;
pub use ids::{AssetId, ConnectionId, ParseIdError, RoomId, UserId};
pub use log::{LogEntry, LogEvent};
pub use presence::{
    Attendee, CROWD, LISTED, MAX_CONNECTIONS, MAX_PAGE, Page, People, Report, UserStatus,
};
pub use room::{AssetState, MAX_LIVE_CEILING_MS, Meant, Room, USUAL_LIVE_CEILING_MS};
pub use state::{Asset, Loop, MAX_ASSET_STATE, Phase, State, SyncMode};
pub use timeline::Timeline;
pub use units::{Frame, FrameRate, MAX_FRAME, Millis, Rate};
